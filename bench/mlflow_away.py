"""Measures a night while MLflow is unreachable, beside the same night with a working server.

    python -m bench.mlflow_away                     # four servers in three rounds, 1,000 listeners, 20 days

Every night begins in a copy of one workspace whose stages are done, so that what it takes is what effects take, and the
checks around them. Afterwards MLflow is back, and what waits is delivered, twice. Into bench/results/mlflow-away.json.
"""

import argparse
import contextlib
import datetime as dt
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.mlflow_servers import free_port, listening, serving
from bench.night.place import START, environment, prepare
from pipeline.releases.release import current

ROOT = Path(__file__).resolve().parents[1]
GOAL_SECONDS = 30.0
TOLD = re.compile(r"^(record|promote|publish) +([0-9.]+) s", re.MULTILINE)
ANSWERS = "answers"
SERVERS = {"refuses connections": None, "takes connections and says nothing": 0, "falls silent after one answer": 1}
"""The number of requests that a faulty server answers before it falls silent; None if it refuses connections."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=1000)
    parser.add_argument("--days", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "mlflow-away.json")
    given = parser.parse_args()
    as_of = START + dt.timedelta(days=given.days)
    nights: dict[str, list[dict[str, Any]]] = {}
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        base = Path(name) / "base"
        prepare(base)
        many = ("--listeners", str(given.listeners), "--days", str(given.days))
        netgain(base, "", "simulate", *many, "--start", START.isoformat(), "--out", "landing")
        netgain(base, "", "open", "--as-of", as_of.isoformat())
        netgain(base, "", "repro")
        for n in range(given.rounds):
            for how in (ANSWERS, *SERVERS):
                place = Path(name) / f"{n} {how}"
                shutil.copytree(base, place)
                nights.setdefault(how, []).append(one_night(place, how, as_of))
                shutil.rmtree(place)
                print(f"{n + 1} of {given.rounds}, MLflow {how}: {nights[how][-1]}", flush=True)
    report(nights, given.out)


def one_night(place: Path, how: str, as_of: dt.date) -> dict[str, Any]:
    """Run a night, then deliver the outbox; return seconds, the served release and the final number of MLflow runs."""
    (place / "server").mkdir()
    with serving(place / "server") as back, server(how, back) as uri:
        started = time.perf_counter()
        told = netgain(place, uri, "night", "--as-of", as_of.isoformat())
        seconds = time.perf_counter() - started
        waited = len(list((place / "ledger" / "outbox").glob("[!.]*")))
        served = current(place / "releases").id
        for _ in range(2):
            netgain(place, back, "outbox", "replay")
        left = len(list((place / "ledger" / "outbox").glob("[!.]*")))
        runs = n_runs(back)
    effects = {stage: float(took) for stage, took in TOLD.findall(told)}
    return {"seconds": round(seconds, 2), **effects, "served": served, "waited": waited, "left": left, "runs": runs}


def netgain(place: Path, uri: str, *command: str) -> str:
    """Return the output of a command.

    Raises:
        SystemExit: it failed.
    """
    variables = environment(place) | ({"NETGAIN_MLFLOW_URI": uri} if uri else {})
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *command],
        cwd=place, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stdout)
    return done.stdout


def server(how: str, back: str) -> contextlib.AbstractContextManager[str]:
    """The address that a night is given; `back` is that of a server that answers."""
    if how == ANSWERS:
        return contextlib.nullcontext(back)
    n_answers = SERVERS[how]
    return (
        contextlib.nullcontext(f"http://127.0.0.1:{free_port()}")
        if n_answers is None
        else listening(n_answers=n_answers)
    )


def n_runs(uri: str) -> int:
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    return len(client.search_runs([each.experiment_id for each in client.search_experiments()]))


def report(nights: dict[str, list[dict[str, Any]]], out: Path) -> None:
    """Print medians by server, and whether the largest delay of a night is within the goal."""
    usual = statistics.median(night["seconds"] for night in nights[ANSWERS])
    longest = max(night["seconds"] for how in SERVERS for night in nights[how])
    for how, found in nights.items():
        seconds, record, promote = (
            statistics.median(night[stage] for night in found) for stage in ("seconds", "record", "promote")
        )
        print(f"MLflow {how}: the night {seconds:.1f} s, record {record:.1f} s, promote {promote:.1f} s")
    every = [night for found in nights.values() for night in found]
    same = len({night["served"] for night in every}) == len({night["runs"] for night in every}) == 1
    lost = sum(night["left"] for night in every)
    met = "met" if longest - usual <= GOAL_SECONDS and same and not lost else "NOT MET"
    print(
        f"At most {longest - usual:+.1f} s beside one that answers (goal {GOAL_SECONDS:g} s); release and number of"
        f" runs are {'the same' if same else 'NOT THE SAME'} each time; {lost} entries are left undelivered: {met}"
    )
    out.parent.mkdir(parents=True, exist_ok=True)
    told = {"added_seconds": longest - usual, "same": same, "left": lost, "load": os.getloadavg()[0], "nights": nights}
    out.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
