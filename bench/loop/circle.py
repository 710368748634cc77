"""The whole circle with nothing left out but time: nights, the server, listeners who answer, and the nights after.

Three nights of a small service. Between two, the real server answers every listener over HTTP, and listeners play from
their lists as `pipeline.simulation.answers` says; their events land and are read by the next night. What the gate then
says of the log (the share of discoveries that lists caused) is compared with what was really played from lists.

The short cut: the server's clock is today's, so that recorded times are put back to the night's day.
"""

import datetime as dt
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bench.night.place import environment, prepare
from pipeline.configuration import load_params
from pipeline.dvcfile.write import write_dvc_yaml
from pipeline.simulation.answers import Answers, answered
from pipeline.simulation.simulate import simulate

N_LISTENERS, N_DAYS, N_NIGHTS = 120, 28, 3
PORT = 18_765
RECIPES = ("popular", "item_knn", "rp3beta")
WORLD = Answers(look=0.6, attraction=0.5)


def run(tell: Callable[[str], None]) -> dict[str, Any]:
    """Run the circle; return, for each night after the first, what was played from lists and what the gate said."""
    rng, today = np.random.default_rng(1), dt.datetime.now(dt.UTC).date()
    first = today - dt.timedelta(days=N_NIGHTS - 1)
    start = first - dt.timedelta(days=N_DAYS)
    found: dict[str, Any] = {"nights": []}
    with tempfile.TemporaryDirectory(prefix="netgain-loop-") as name:
        place = Path(name)
        prepare(place)
        _few_recipes(place)
        simulate(n_listeners=N_LISTENERS, n_days=N_DAYS + N_NIGHTS, seed=1, start=start, out=place / "all")
        played: set[tuple[str, str]] = set()
        for number in range(N_NIGHTS):
            as_of = first + dt.timedelta(days=number)
            for file in sorted((place / "all").glob("*.gz")):
                if file.name < f"plays-{as_of}":
                    shutil.copy2(file, place / "landing" / file.name)
            record = _night(place, as_of)
            said = record["evidence"].get("listening")
            told = said or "no impressions"
            tell(f"night of {as_of}: {record['verdict']}; {told}; {len(played)} pairs played from lists")
            night = {key: record[key] for key in ("as_of", "verdict", "sentence", "notes")}
            found["nights"].append(night | {"listening": said, "pairs_played": len(played)})
            if number < N_NIGHTS - 1:
                played |= _serve_and_play(place, as_of, today, rng)
    return found


def _few_recipes(place: Path) -> None:
    raw = yaml.safe_load((place / "params.yaml").read_text(encoding="utf-8"))
    raw["recipes"] = {name: recipe for name, recipe in raw["recipes"].items() if name in RECIPES}
    raw["gate"]["min_eligible_listeners"] = 50
    (place / "params.yaml").write_text(yaml.safe_dump(raw), encoding="utf-8")
    write_dvc_yaml(place, load_params(place / "params.yaml"))


def _night(place: Path, as_of: dt.date) -> dict[str, Any]:
    command = [sys.executable, "-m", "pipeline", "night", "--as-of", f"{as_of}", "--format", "netgain,netgain-events"]
    env = environment(place) | {"NETGAIN_ENGINE": "inprocess"}
    done = subprocess.run(command, cwd=place, env=env, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise RuntimeError(f"the night of {as_of} failed: {done.stderr[-2000:]}")
    record: dict[str, Any] = json.loads((place / "data" / "decision.json").read_text(encoding="utf-8"))
    return record


def _serve_and_play(place: Path, as_of: dt.date, today: dt.date, rng: np.random.Generator) -> set[tuple[str, str]]:
    """Ask the real server for every listener's list, and post what they play from it; return (listener, item)."""
    server = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve", "--port", f"{PORT}", "--quiet"], cwd=place, env=environment(place)
    )
    try:
        _wait()
        names = [f"L{n:06d}" for n in range(1, N_LISTENERS + 1)]
        lists = {name: _get(f"/v1/listeners/{name}/recommendations") for name in names}
        own = {name: answer for name, answer in lists.items() if answer["lane"] == "own"}
        appeal = rng.beta(1, 3, (len(own), max(len(answer["items"]) for answer in own.values())))
        plays = answered(appeal, WORLD, rng)
        events, pairs = [], set()
        for (name, answer), row in zip(own.items(), plays, strict=True):
            for rank in np.flatnonzero(row[: len(answer["items"])]).tolist():
                item = answer["items"][rank]
                events.append(_event(f"{as_of}-{name}-{rank}", name, item, answer["impression_id"]))
                pairs.add((name, item["item_id"]))
        for at in range(0, len(events), 100):
            _post("/v1/events", {"events": events[at : at + 100]})
    finally:
        server.terminate()
        server.wait(timeout=60)
    for path in (place / "landing" / "events").glob("*.events"):
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(f'"at":"{today}', f'"at":"{as_of}'), encoding="utf-8")
    return pairs


def _event(event_id: str, listener: str, item: dict[str, str], impression: str) -> dict[str, Any]:
    return {
        "kind": "play", "event_id": event_id, "at": dt.datetime.now(dt.UTC).isoformat(), "listener_id": listener,
        "artist_id": item["item_id"], "artist_name": item["item_name"], "track_name": "A song from the list",
        "ms_played": 200_000, "impression_id": impression,
    }  # fmt: skip


def _wait() -> None:
    for _ in range(240):
        try:
            _get("/readyz")
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise RuntimeError("the server does not answer")


def _get(path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{path}", timeout=30) as answer:  # loopback
        return json.loads(answer.read())


def _post(path: str, body: dict[str, Any]) -> None:
    request = urllib.request.Request(  # loopback
        f"http://127.0.0.1:{PORT}{path}", data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30):
        pass
