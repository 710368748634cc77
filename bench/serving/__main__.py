"""Measure what an answer costs, beside a bare ASGI application that returns constant bytes, on the same server.

The load comes from wrk (Debian: apt-get install wrk), on loopback. The machine's other work disturbs times and, by its
use of the caches, CPU: the bare application is measured between the others, and ratios are taken within a run.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import psutil

from bench.serving.made import make_releases, name_of
from pipeline.serving.index import Index
from pipeline.serving.layout import FILE, FOLDER

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".netgain" / "bench-serve"
P99_MS = 5.0
_TIME = re.compile(r"^\s+(50|99)%\s+([0-9.]+)(us|ms|s)$", re.MULTILINE)
_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def main() -> None:
    """Print the figures and write bench/results/serving.json."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--listeners", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=4)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed (Debian: apt-get install wrk)")
    place = PLACE / str(options.listeners)
    make_releases(place / "releases", n_listeners=options.listeners)
    found = {"listeners": options.listeners, "load_average": os.getloadavg()[0], **_open(place / "releases")}
    bare = _start("uvicorn", "bench.serving.bare:app", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
                  "--log-level", "warning", "--port", "8771", cwd=ROOT)  # fmt: skip
    with tempfile.TemporaryDirectory(dir=place) as landing:
        serve = ("-m", "pipeline", "serve", "--no-newcomers")
        one = _start(*serve, "--port", "8772", cwd=place, landing=landing)
        two = _start(*serve, "--port", "8773", "--workers", "2", cwd=place, landing=landing)
        try:
            for port in (8771, 8772, 8773):
                _wait(port)
            found |= _compare(bare, one, options)
            found |= _paced(options)
            found["further_worker_mb"] = _worker_mb(two)
        finally:
            for process in (bare, one, two):
                process.terminate()
                process.wait(20)
    shutil.rmtree(place)  # gigabytes
    path = ROOT / "bench" / "results" / "serving.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))


def _open(releases: Path) -> dict[str, float]:
    path = releases / (releases / "CURRENT").read_text().strip() / FOLDER / FILE
    times = []
    for _ in range(5):
        started = time.perf_counter()
        Index(path)
        times.append((time.perf_counter() - started) * 1e3)
    return {"index_mb": path.stat().st_size / 1e6, "open_ms": median(times)}


def _compare(
    bare: subprocess.Popen[bytes], one: subprocess.Popen[bytes], options: argparse.Namespace
) -> dict[str, float]:
    """Return the CPU of a request at full speed: medians of three turns, in which each is measured."""
    costs: dict[str, list[float]] = {"bare": [], "serve": []}
    for _ in range(3):
        for name, process, port in (("bare", bare, 8771), ("serve", one, 8772)):
            before = _cpu(process)
            done = _wrk(port, options, connections=16)
            costs[name].append((_cpu(process) - before) / done["requests"] * 1e6)
    ratios = [serve / bare for serve, bare in zip(costs["serve"], costs["bare"], strict=True)]
    return {
        "bare_cpu_us": round(median(costs["bare"]), 1),
        "serve_cpu_us": round(median(costs["serve"]), 1),
        "ratio": round(median(ratios), 2),
    }


def _paced(options: argparse.Namespace) -> dict[str, object]:
    """Return the latencies at 1,000 requests a second with two workers, and the highest rate at p99 ≤ 5 ms."""
    at_thousand = _wrk(8773, options, connections=50, rate=1000)
    bare = _wrk(8771, options, connections=50, rate=1000)
    best, tried = 0.0, {}
    for rate in (1000, 2000, 4000, 6000, 8000, 12000):
        done = _wrk(8773, options, connections=100, rate=rate)
        reached = done["requests"] / options.seconds
        tried[rate] = {"reached": round(reached), "p99_ms": done["p99_ms"], "errors": done["errors"]}
        if done["p99_ms"] > P99_MS:
            break
        best = max(best, reached)
    return {
        "at_1000": {key: at_thousand[key] for key in ("p50_ms", "p99_ms", "errors")},
        "bare_at_1000": {key: bare[key] for key in ("p50_ms", "p99_ms", "errors")},
        "highest_rate_at_p99_5_ms": round(best),
        "rates": tried,
    }


def _wrk(port: int, options: argparse.Namespace, *, connections: int, rate: int = 0) -> dict[str, float]:
    """Run wrk for a while; with a rate, each connection waits between its requests."""
    pause = f"function delay() return math.random(0, {2 * connections * 1000 // rate}) end\n" if rate else ""
    listener = name_of(0).replace("0" * 9, "%09d")
    path = f"string.format('/v1/listeners/{listener}/recommendations', math.random(0, {options.listeners - 1}))"
    script = f"math.randomseed(os.time())\n{pause}request = function() return wrk.format('GET', {path}) end\n"
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as file:
        file.write(script)
        file.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{options.seconds}s", "--latency", "-s", file.name]
        out = subprocess.run([*command, f"http://127.0.0.1:{port}/"], capture_output=True, text=True, check=True).stdout
    times = {f"p{p}_ms": round(float(value) * _UNITS[unit], 3) for p, value, unit in _TIME.findall(out)}
    (requests,) = re.findall(r"(\d+) requests in", out)
    errors = sum(map(int, re.findall(r"Non-2xx or 3xx responses: (\d+)", out)))
    return {"requests": int(requests), "errors": errors, **times}


def _start(*command: str, cwd: Path, landing: str = "landing") -> subprocess.Popen[bytes]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("NETGAIN_")}
    program = [sys.executable, *command] if command[0] == "-m" else [sys.executable, "-m", *command]
    return subprocess.Popen(
        program, cwd=cwd, env={**kept, "PYTHONPATH": str(ROOT), "NETGAIN_LANDING": landing}, stdout=subprocess.DEVNULL
    )


def _wait(port: int) -> None:
    import httpx

    deadline = time.monotonic() + 90
    while True:
        try:
            httpx.get(f"http://127.0.0.1:{port}/healthz")
            return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _cpu(process: subprocess.Popen[bytes]) -> float:
    times = psutil.Process(process.pid).cpu_times()
    return float(times.user + times.system)


def _worker_mb(parent: subprocess.Popen[bytes]) -> list[float]:
    """Return what each worker has for itself [MB]."""
    children: Sequence[psutil.Process] = psutil.Process(parent.pid).children(recursive=True)
    own = [child.memory_full_info().uss / 1e6 for child in children if "spawn_main" in str(child.cmdline())]
    return [round(each, 1) for each in own]


if __name__ == "__main__":
    main()
