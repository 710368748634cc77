"""Measures an incremental night by part, beside a plain script without a gate that fits the same recipes.

    python -m bench.night                                  # 20,000 listeners, 60 days: an hour on 2 cores
    python -m bench.night --listeners 2000 --days 20

Simulated listeners. A first night takes the history in; then one more day lands, and the second night is measured, and
after it the script over the same day. Into bench/results/night.json.
"""

import argparse
import datetime as dt
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.night.place import ROOT, START, environment, prepare
from bench.night.place import night as command
from bench.night.watch import watched
from pipeline.simulation.simulate import simulate

GOAL = 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=20_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--artists", type=int, help="on offer; default: what so many listeners know")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "night.json")
    parser.add_argument(
        "--place", type=Path, help="a new folder that keeps the workspace, for `python -m bench.families`"
    )
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        scratch = given.place or Path(name)
        found = measure(scratch, n_listeners=given.listeners, n_days=given.days, n_artists=given.artists)
    show(found)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def measure(scratch: Path, *, n_listeners: int, n_days: int, n_artists: int | None) -> dict[str, Any]:
    """Run two nights and the script, and print the table."""
    place, logs = scratch / "night", scratch / "logs"
    print(f"simulating {n_listeners:,} listeners over {n_days + 1} days", flush=True)
    simulate(n_listeners=n_listeners, n_days=n_days + 1, seed=1, start=START, out=logs, n_artists=n_artists)
    prepare(place)
    *history, last = sorted(logs.glob("*.jsonl.gz"))
    for path in history:
        shutil.move(path, place / "landing")
    as_of = START + dt.timedelta(days=n_days)
    print("the first night, over the history", flush=True)
    first = watched(command(as_of), environment(place), folder=place)
    plain = [sys.executable, "-m", "bench.night.plain"]
    print("the history of the plain script", flush=True)
    watched([*plain, "history", "plain", "landing"], environment(place), folder=place)
    shutil.move(last, place / "landing")
    tomorrow = as_of + dt.timedelta(days=1)
    print("one more day: the night", flush=True)
    night = watched(command(tomorrow), environment(place), folder=place)
    print("one more day: the plain script", flush=True)
    script = watched(
        [*plain, "night", "plain", f"landing/{last.name}", tomorrow.isoformat()], environment(place), folder=place
    )
    return {
        "listeners": n_listeners, "days": n_days, "first_night": first, "night": night, "plain": script,
        "kernels_cpu_seconds": sum(_cpu_seconds(place / "data")), "ratio": night["cpu_seconds"] / script["cpu_seconds"],
        "recipes": json.loads((place / "data" / "plots" / "recipes.json").read_text(encoding="utf-8")),
    }  # fmt: skip


def _cpu_seconds(data: Path) -> Iterator[float]:
    """Return the cost of fits and lists by the night's own meters."""
    for path in [*(data / "costs").glob("*.json"), *(data / "serving_costs").glob("*.json")]:
        for part in json.loads(path.read_text(encoding="utf-8")).values():
            for each in part if isinstance(part, list) else [part]:
                if isinstance(each, dict) and "cpu_seconds" in each:
                    yield float(each["cpu_seconds"])


def show(found: dict[str, Any]) -> None:
    """Print the table."""
    night, script = found["night"], found["plain"]
    print(f"{'part':<22}{'CPU s':>9}{'share':>8}{'peak MiB':>10}")
    for name, part in night["parts"].items():
        share = part["cpu_seconds"] / night["cpu_seconds"]
        print(f"{name:<22}{part['cpu_seconds']:9.1f}{share:8.0%}{part['peak_rss_bytes'] / 2**20:10.0f}")
    print(f"{'ended unseen':<22}{night['unattributed']:9.1f}")
    for name, each in (("the night", night), ("the plain script", script)):
        print(
            f"{name:<22}{each['cpu_seconds']:9.1f} CPU s, {each['wall_seconds']:.0f} s,"
            f" {each['peak_rss_bytes'] / 2**20:.0f} MiB"
        )
    kernels = found["kernels_cpu_seconds"]
    print(f"fits and lists, by the night's own meters: {kernels:.1f} CPU s, {kernels / night['cpu_seconds']:.0%}")
    print(f"{found['ratio']:.2f} times the plain script, goal {GOAL}: {'met' if found['ratio'] <= GOAL else 'NOT MET'}")


if __name__ == "__main__":
    main()
