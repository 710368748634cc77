"""Measures one more day after a short and a long history, beside a plain Polars script over the whole history.

    python bench/ingest.py            # into bench/results/ingest.json

Twice: a small service, whose history grows from 10 days to 180, and a larger one with five million plays in ten days,
where less of a day is the starting of processes.

Each figure is CPU seconds of a process of its own, user and system, all measured in one run: read the ratios.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from process_tree import measured

CLUSTER = "local-cluster[2,1,2048]"
ROOT = Path(__file__).resolve().parents[1]
START = dt.date(2026, 1, 1)
LARGE_DAYS = 10

IMPORTS = """
import datetime as dt, json, shutil, sys, time
from pipeline.nightly.opening import open_night
from pipeline.settings import load_settings
from pipeline.stages import ingest, prepare, validate
"""
# Great Expectations imports pandas and SciPy, which nothing else needs here.
GREAT_EXPECTATIONS = IMPORTS + "import great_expectations, great_expectations.expectations"

NIGHT = (
    GREAT_EXPECTATIONS
    + """
spent, since = {}, time.process_time()
def until(what):
    global since
    spent[what], since = time.process_time() - since, time.process_time()
context = open_night(load_settings(), as_of=dt.date.fromisoformat(sys.argv[1]), log_format="netgain", logs=None)
until("opening")
ingest.run(context)
until("ingest")
validate.run(context)
until("validate")
shutil.rmtree(context.layout.daily, ignore_errors=True)  # as DVC does
prepare.run(context)
until("prepare")
print(json.dumps(spent))
"""
)

PLAIN = """
import sys, gzip
from pathlib import Path
import polars as pl
out = Path(sys.argv[1]); out.mkdir(parents=True, exist_ok=True)
text = ["listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name"]
schema = {**dict.fromkeys(text, pl.String), "ms_played": pl.Int64}
frames = []
for path in sorted(Path("landing").glob("*.jsonl.gz")):
    if len(sys.argv) > 2 and path.name not in sys.argv[2:]:
        continue
    lines = gzip.decompress(path.read_bytes()).splitlines(True)
    whole = b"".join(line for line in lines if line.startswith(b"{") and line.endswith(b"}\\n"))
    frames.append(pl.read_ndjson(whole, schema=schema, ignore_errors=True))
plays = pl.concat(frames).with_columns(pl.col("played_at").str.to_datetime(time_zone="UTC", strict=False))
plays = plays.drop_nulls(["listener_id", "played_at", "artist_name", "track_name"])
plays = plays.unique(["listener_id", "played_at", "artist_id", "track_id", "ms_played"])
plays = plays.with_columns(day=pl.col("played_at").dt.date()).sort("day", "listener_id", "played_at")
plays.write_parquet(out / "plays.parquet")
counted = plays.filter(pl.col("ms_played").is_null() | (pl.col("ms_played") >= 30_000))
counted.group_by("day", "listener_id", "artist_id").agg(pl.len(), pl.col("ms_played").sum()).sort(
    "day", "listener_id", "artist_id").write_parquet(out / "daily.parquet")
counted.group_by("artist_id", "artist_name").agg(pl.len()).write_parquet(out / "items.parquet")
"""


def run(code: str, *arguments: str, folder: Path) -> tuple[float, str]:
    """Return the CPU time of a process and its children, user and system [s], and its output."""
    # As a night runs: libraries are compiled once, not at each start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        print(ran.stderr)
        ran.check_returncode()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, ran.stdout


def of_great_expectations(folder: Path) -> float:
    """What importing Great Expectations adds to a process that has the night's other libraries, its end included."""
    for code in (GREAT_EXPECTATIONS, IMPORTS):
        run(code, folder=folder)  # compiled, and in the page cache
    with_it, without = (min(run(code, folder=folder)[0] for _ in range(3)) for code in (GREAT_EXPECTATIONS, IMPORTS))
    return with_it - without


def night(as_of: dt.date, *, folder: Path, gx: float) -> dict[str, float]:
    """What a night costs, importing Great Expectations apart, and each part of it; `starting` is what is left."""
    total, printed = run(NIGHT, str(as_of), folder=folder)
    parts: dict[str, float] = json.loads(printed)
    return {"total": total - gx, "starting": total - gx - sum(parts.values())} | parts


def workspace(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "landing").mkdir()
    return folder


def after_history(days: int, logs: list[Path], scratch: Path, gx: float) -> dict[str, Any]:
    """The first night over `days` days, the next with one more, and a plain script over everything and over one day."""
    place = workspace(scratch / f"history-{days}")
    for path in logs[:days]:
        shutil.copy2(path, place / "landing")
    first = night(START + dt.timedelta(days=days), folder=place, gx=gx)
    shutil.copy2(logs[days], place / "landing")
    next_one = night(START + dt.timedelta(days=days + 1), folder=place, gx=gx)
    again = night(START + dt.timedelta(days=days + 1), folder=place, gx=gx)
    everything, _ = run(PLAIN, "plain", folder=place)
    one_day, _ = run(PLAIN, "plain-day", logs[days].name, folder=place)
    report = json.loads((place / "data" / "ingest.json").read_text(encoding="utf-8"))
    shutil.rmtree(place)
    return {
        "days": days, "rows": report["read"], "great_expectations": gx,
        "first_night": first["total"], "one_more_day": next_one["total"], "nothing_new": again["total"],
        "plain_everything": everything, "plain_one_day": one_day,
        "parts": {"first_night": first, "one_more_day": next_one},
    }  # fmt: skip


def in_spark(days: int, logs: list[Path], scratch: Path) -> dict[str, Any]:
    """A first night in this process and on a cluster of two workers: what each costs, and the same content."""
    found: dict[str, Any] = {"days": days}
    contents = {}
    for engine in ("inprocess", "spark"):
        place = workspace(scratch / engine / "night")
        for path in logs[:days]:
            shutil.copy2(path, place / "landing")
        command = [sys.executable, "-c", NIGHT, str(START + dt.timedelta(days=days))]
        environment = os.environ | {
            "PYTHONPATH": str(ROOT), "NETGAIN_ENGINE": engine, "NETGAIN_SPARK_MASTER": CLUSTER,
        }  # fmt: skip
        found[engine] = measured([command], environment, folder=place)["cpu_seconds"]
        data = place / "data"
        contents[engine] = {
            path.relative_to(data).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in data.rglob("*")
            if path.is_file()
        }
    found["identical"] = contents["inprocess"] == contents["spark"] and len(contents["spark"]) > days
    return found


def rounded(found: dict[str, Any]) -> dict[str, Any]:
    """Return the figures rounded to two decimals."""
    return {key: rounded(value) if isinstance(value, dict) else round(value, 2) for key, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=430)
    parser.add_argument("--days", type=int, nargs="+", default=[10, 60, 180])
    parser.add_argument("--large", type=int, default=6_600, help="listeners of the larger service")
    parser.add_argument("--spark-days", type=int, default=10)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "ingest.json")
    given = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        scratch = Path(name)
        logs = simulated(scratch / "logs", n_listeners=given.listeners, n_days=max(given.days) + 1)
        rows = []
        gx = of_great_expectations(scratch)
        for days in given.days:
            rows.append(after_history(days, logs, scratch, gx))
            print(rounded(rows[-1]), flush=True)
        cluster = in_spark(given.spark_days, logs, scratch)
        print(f"on {CLUSTER}: {cluster}")
        more_logs = simulated(scratch / "more", n_listeners=given.large, n_days=LARGE_DAYS + 1)
        large = after_history(LARGE_DAYS, more_logs, scratch, gx)
        print(rounded(large), flush=True)
    short, long = rows[0], rows[-1]
    ratios = {
        "one more day, longest by shortest history": long["one_more_day"] / short["one_more_day"],
        "first night by plain script over the same": long["first_night"] / long["plain_everything"],
        "one more day by plain script over that day": long["one_more_day"] / long["plain_one_day"],
        "one more day by plain script over everything": long["one_more_day"] / long["plain_everything"],
        "Spark by this process": cluster["spark"] / cluster["inprocess"],
        "the larger service: first night by plain script over the same": large["first_night"]
        / large["plain_everything"],
        "the larger service: one more day by plain script over that day": large["one_more_day"]
        / large["plain_one_day"],
    }
    for what, ratio in ratios.items():
        print(f"{ratio:8.2f}  {what}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(
        json.dumps({"rows": rows, "large": large, "cluster": cluster, "ratios": ratios}, indent=2) + "\n",
        encoding="utf-8",
    )


def simulated(out: Path, *, n_listeners: int, n_days: int) -> list[Path]:
    """Return the landed files of `n_days` days, in order."""
    from pipeline.simulation.simulate import simulate

    print(f"simulating {n_listeners:,} listeners over {n_days} days", flush=True)
    simulate(n_listeners=n_listeners, n_days=n_days, seed=1, start=START, out=out)
    return sorted(out.glob("*.jsonl.gz"))


if __name__ == "__main__":
    main()
