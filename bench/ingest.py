"""One more day after a short and a long history, beside a plain Polars script that does the same over everything.

    python bench/ingest.py            # into bench/results/ingest.json

Each figure is CPU seconds of a process of its own, user and system, all measured in one run: read the ratios.
"""

import argparse
import datetime as dt
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
START = dt.date(2026, 1, 1)

NIGHT = """
import sys, time
from pathlib import Path
from pipeline.night.opening import open_night
from pipeline.settings import load_settings
from pipeline.stages import ingest, prepare, validate
import datetime as dt
as_of = dt.date.fromisoformat(sys.argv[1])
started = time.process_time()
import great_expectations, great_expectations.expectations
gx = time.process_time() - started
context = open_night(load_settings(), as_of=as_of, log_format="netgain", logs=None)
for stage, outs in ((ingest, []), (validate, []), (prepare, ["daily"])):
    for out in outs:
        import shutil; shutil.rmtree(context.layout.data / out, ignore_errors=True)  # as DVC does
    print(stage.run(context), file=sys.stderr)
print(gx)
"""

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
print(0)
"""


def cpu_seconds(code: str, *arguments: str, folder: Path) -> tuple[float, float]:
    """CPU of a process and its children, and the share of it that the process says was spent on importing GX [s]."""
    # As a night runs: libraries are compiled once, not at each start.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | {"PYTHONPATH": str(ROOT)}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    ran = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, check=True, capture_output=True, text=True,
        env=environment,
    )  # fmt: skip
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return spent, float(ran.stdout.split()[-1])


def workspace(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ("params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, folder / name)
    (folder / "landing").mkdir()
    return folder


def after_history(days: int, logs: list[Path], scratch: Path) -> dict[str, Any]:
    """The first night over `days` days, the next with one more, and a plain script over everything and over one day."""
    place = workspace(scratch / f"history-{days}")
    for path in logs[:days]:
        shutil.copy2(path, place / "landing")
    first, gx = cpu_seconds(NIGHT, str(START + dt.timedelta(days=days)), folder=place)
    shutil.copy2(logs[days], place / "landing")
    next_one, gx_again = cpu_seconds(NIGHT, str(START + dt.timedelta(days=days + 1)), folder=place)
    everything, _ = cpu_seconds(PLAIN, "plain", folder=place)
    one_day, _ = cpu_seconds(PLAIN, "plain-day", logs[days].name, folder=place)
    report = json.loads((place / "data" / "ingest.json").read_text(encoding="utf-8"))
    found = {
        "days": days, "rows": report["read"],
        "first_night": first - gx, "one_more_day": next_one - gx_again, "great_expectations": gx_again,
        "plain_everything": everything, "plain_one_day": one_day,
    }  # fmt: skip
    shutil.rmtree(place)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=430)
    parser.add_argument("--days", type=int, nargs="+", default=[10, 60, 180])
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "ingest.json")
    given = parser.parse_args()
    from pipeline.simulation.simulate import simulate

    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        scratch = Path(name)
        print(f"simulating {given.listeners} listeners over {max(given.days) + 1} days")
        simulate(n_listeners=given.listeners, n_days=max(given.days) + 1, seed=1, start=START, out=scratch / "logs")
        logs = sorted((scratch / "logs").glob("*.jsonl.gz"))
        rows = []
        for days in given.days:
            rows.append(after_history(days, logs, scratch))
            print({key: round(value, 2) for key, value in rows[-1].items()}, flush=True)
    short, long = rows[0], rows[-1]
    ratios = {
        "one more day, longest by shortest history": long["one_more_day"] / short["one_more_day"],
        "first night by plain script over the same": long["first_night"] / long["plain_everything"],
        "one more day by plain script over that day": long["one_more_day"] / long["plain_one_day"],
        "one more day by plain script over everything": long["one_more_day"] / long["plain_everything"],
    }
    for what, ratio in ratios.items():
        print(f"{ratio:8.2f}  {what}")
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps({"rows": rows, "ratios": ratios}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
