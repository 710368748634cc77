"""Runs all parts and reports ratios:

python -m bench.speed             # into bench/results/speed.json and speed.html
python -m bench.speed --quick     # the same at a tenth of the size, in some minutes
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.speed.alone import ROOT
from bench.speed.fits import compare_fits
from bench.speed.growth import axes, grow, memory_of_lists
from bench.speed.page import AXES, render_speed
from bench.speed.peers import compare_peers
from bench.speed.sharing import compare_sharing
from bench.speed.topk import compare

PARTS = ("topk", "peers", "memory", "sharing", "fits", *AXES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="5 million interactions instead of 50, fewer rounds")
    parser.add_argument(
        "--parts", nargs="+", choices=PARTS, default=PARTS, help="the others are kept from the last run"
    )
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results" / "speed.json")
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = json.loads(given.out.read_text(encoding="utf-8")) if given.out.is_file() else {}
    with tempfile.TemporaryDirectory(prefix="netgain-bench-") as folder:
        for part in given.parts:
            print(part, flush=True)
            started = time.monotonic()
            figures = run(part, quick=given.quick, scratch=Path(folder))
            load = os.getloadavg()[1] / len(os.sched_getaffinity(0))
            found[part] = {
                "quick": given.quick,
                "wall_seconds": time.monotonic() - started,
                "load": load,
                "found": figures,
            }
            found["machine"] = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
            given.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    given.out.with_suffix(".html").write_text(render_speed(found), encoding="utf-8")
    print(f"{given.out} and {given.out.with_suffix('.html').name}")


def run(part: str, *, quick: bool, scratch: Path) -> Any:
    """Return the figures of one part."""
    rounds = 3 if quick else 5
    match part:
        case "topk":
            kinds = [(factors, fitted) for factors in (64, 128) for fitted in (False, True)]
            return [compare(factors, fitted=fitted, rounds=rounds) for factors, fitted in kinds]
        case "peers":
            n_listeners, spark = (2_048, 1_024) if quick else (8_192, 4_096)
            return [
                compare_peers(factors, n_listeners=n_listeners, rounds=2, spark_listeners=spark)
                for factors in (64, 128)
            ]
        case "memory":
            return memory_of_lists()
        case "sharing":
            return compare_sharing(2)
        case "fits":
            return compare_fits(
                scratch, n_interactions=300_000 if quick else 1_300_000, ranks=(64, 256), iterations=3,
                rounds=1 if quick else 3, spark_rank=64,
            )  # fmt: skip
        case _:
            axis = next(axis for axis in axes(5_000_000 if quick else 50_000_000) if axis.name == part)
            return grow(axis, scratch)


if __name__ == "__main__":
    main()
