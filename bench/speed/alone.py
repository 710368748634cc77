"""Runs work in a separate process, and measures CPU and wall seconds and the memory that it adds.

Work is named `module:function`. The function prepares (reads, imports, lets Numba compile) and returns what is to be
measured: a function without arguments, whose result, where it is a mapping, is told with the figures.
"""

import importlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def alone(work: str, **given: Any) -> dict[str, Any]:
    """Run work in a fresh interpreter.

    Returns:
        cpu_seconds and wall_seconds, of the process and its children; added_bytes, the highest resident size of the
        process itself during the work less that before it; tree_bytes, the highest sum over it and its children; and
        whatever the work tells.

    Raises:
        subprocess.CalledProcessError: it failed; what it said to stderr is printed.
    """
    command = [sys.executable, "-m", "bench.speed.alone", work, json.dumps(given)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if ran.returncode:
        print(ran.stderr, file=sys.stderr)
        ran.check_returncode()
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def measured(run: Callable[[], Any]) -> dict[str, Any]:
    """Measure one call in this process; see `alone`."""
    from pipeline.runtime.meter import CostMeter

    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the high-water mark starts anew
    before = _status_bytes("VmRSS")
    with CostMeter() as meter:
        told = run()
    cost = meter.cost()
    figures = {
        "cpu_seconds": cost.cpu_seconds, "wall_seconds": cost.wall_seconds,
        "added_bytes": _status_bytes("VmHWM") - before, "tree_bytes": cost.peak_rss_bytes,
    }  # fmt: skip
    return figures | (dict(told) if isinstance(told, Mapping) else {})


def _status_bytes(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None, f"/proc/self/status tells no {name}"
    return int(found.group(1)) * 1024


def lasting_session() -> Any:
    """Return a Spark session that lives as long as this process."""
    import atexit
    from contextlib import ExitStack

    from pipeline.runtime.spark_session import spark_session
    from pipeline.settings import load_settings

    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(spark_session(load_settings(workspace=ROOT)))


def main() -> None:
    module, _, name = sys.argv[1].partition(":")
    prepare = getattr(importlib.import_module(module), name)
    out = os.dup(1)
    os.dup2(2, 1)  # libraries and the JVM may greet; only the figures are the answer
    figures = measured(prepare(**json.loads(sys.argv[2])))
    os.write(out, (json.dumps(figures) + "\n").encode())


if __name__ == "__main__":
    main()
