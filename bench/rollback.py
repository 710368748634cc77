"""Times the command that serves an earlier release, with MLflow stopped and without Java.

    python bench/rollback.py                        # 100 rollbacks among releases for 20,000 listeners
    python bench/rollback.py --listeners 200000

The interpreter's start and the checksums of the target release are included. Into bench/results/rollback.json.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import current

ROOT = Path(__file__).resolve().parents[1]
GOAL_SECONDS = 1.0
N_ITEMS, N_ARTISTS, N_FACTORS = 20, 30_000, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listeners", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "rollback.json")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as name:
        place = Path(name)
        mb = plant(place, n_listeners=given.listeners)
        seconds = [roll_back(place) for _ in range(given.runs)]
    p50, p99 = np.percentile(seconds, [50, 99])
    found = {
        "listeners": given.listeners, "release_mb": mb, "runs": given.runs, "p50_seconds": p50, "p99_seconds": p99,
        "longest_seconds": max(seconds), "load": os.getloadavg()[0],
    }  # fmt: skip
    met = "met" if p99 <= GOAL_SECONDS else "NOT MET"
    print(
        f"{given.runs} rollbacks, releases of {mb:.0f} MB: half within {p50:.2f} s, 99 % within {p99:.2f} s, all within"
        f" {max(seconds):.2f} s; goal {GOAL_SECONDS:g} s for 99 %: {met}"
    )
    given.out.parent.mkdir(parents=True, exist_ok=True)
    given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def plant(place: Path, *, n_listeners: int) -> float:
    """Make two releases of realistic size, of random bytes; return the size of one [MB]."""
    shutil.copyfile(ROOT / "params.yaml", place / "params.yaml")
    rng = np.random.default_rng(0)
    sizes = {  # a list's place takes some 30 bytes with its names and reasons
        "lists.parquet": 30 * N_ITEMS * n_listeners, "fallback.parquet": 4_000,
        "model/factors.npy": 4 * N_FACTORS * (n_listeners + N_ARTISTS),
        "heldout/factors.npy": 4 * N_FACTORS * (n_listeners + N_ARTISTS),
    }  # fmt: skip
    for night in ("2026-01-30", "2026-01-31"):
        made = place / "made" / night
        for path, n_bytes in sizes.items():
            (made / path).parent.mkdir(parents=True, exist_ok=True)
            (made / path).write_bytes(rng.bytes(n_bytes))
        facts = {"as_of": night, "recipe": "als", "family": "als", "n_listeners": n_listeners}
        publish(place / "releases", Contents({path: made / path for path in sizes}, facts, origin={}))
    return sum(sizes.values()) / 1e6


def roll_back(place: Path) -> float:
    """Roll back to the release that is not served, by the command; return its duration [s].

    Raises:
        SystemExit: the command failed, or something else is served afterwards.
    """
    other = next(p.name for p in (place / "releases").glob("20*") if p.name != current(place / "releases").id)
    command = [sys.executable, "-m", "pipeline", "rollback", "--to", other, "--by", "bench", "--reason", "timing"]
    # No PATH: no Java. Nothing listens on port 9.
    environment = {"PYTHONPATH": str(ROOT), "NETGAIN_WORKSPACE": str(place), "NETGAIN_MLFLOW_URI": "http://127.0.0.1:9"}
    started = time.perf_counter()
    done = subprocess.run(command, cwd=place, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if done.returncode or current(place / "releases").id != other:
        raise SystemExit(done.stderr or f"{other} is not served")
    return seconds


if __name__ == "__main__":
    main()
