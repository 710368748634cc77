"""Attributes the CPU seconds and memory of every process of a night to the part that started it."""

import os
import re
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

SAMPLE_SECONDS = 0.03
STAGE = re.compile(r"netgain stage (\S+)(?: (\S+))?$")
PARTS = (
    (STAGE, ""),
    (re.compile(r"java .*spark|pyspark[./]daemon|spark_daemon"), "spark"),
    (re.compile(r"dvc_program"), "dvc"),
    (re.compile(r"pipeline\.cli\.warm"), "warm process"),
)
NAME_BYTES = 15
"""What Linux keeps of the name that a fork of the warm process gives itself."""


def watched(command: Sequence[str], environment: Mapping[str, str], *, folder: Path) -> dict[str, Any]:
    """Run a command and attribute its process tree.

    A process belongs to the nearest of itself and its parents that is a stage, Spark, DVC or the warm process, else to
    the night. A fork of the warm process is the stage whose client runs at the same time. What a process used after its
    last sample is missing from its part and reported as `unattributed`: the kernel's sum over all processes that ended,
    less what was seen.

    Returns:
        cpu_seconds, wall_seconds, peak_rss_bytes (the highest sum over the tree), unattributed, and `parts`: for each,
        cpu_seconds and peak_rss_bytes.

    Raises:
        subprocess.CalledProcessError: the command failed; what it said is printed.
    """
    seen: dict[tuple[int, float], tuple[str, float]] = {}
    peaks: dict[str, int] = defaultdict(int)
    done = threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not done.wait(SAMPLE_SECONDS):
            resident: dict[str, int] = defaultdict(int)
            for key, part, cpu, rss in _tree(me, seen):
                seen[key] = (part, cpu)
                resident[part] += rss
            resident["all"] = sum(resident.values())
            for part, rss in resident.items():
                peaks[part] = max(peaks[part], rss)

    before, started = os.times(), time.monotonic()
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        ran = subprocess.run(command, cwd=folder, env=dict(environment), capture_output=True, text=True, check=False)
    finally:
        done.set()
        watcher.join()
    if ran.returncode not in {0, 3}:  # 3: a night that could not decide
        print(ran.stdout, ran.stderr)
        ran.check_returncode()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    parts: dict[str, float] = defaultdict(float)
    names = {part for part, _ in seen.values()}
    for part, seconds in seen.values():
        parts[_whole(part, names)] += seconds
    for part in names:
        peaks[_whole(part, names)] = max(peaks[part], peaks[_whole(part, names)])
    # A server that is not our child when it ends was observed, but is missing from the kernel's sum.
    total = max(cpu, sum(parts.values()))
    return {
        "cpu_seconds": total,
        "wall_seconds": time.monotonic() - started,
        "peak_rss_bytes": peaks["all"],
        "unattributed": total - sum(parts.values()),
        "parts": {
            part: {"cpu_seconds": seconds, "peak_rss_bytes": peaks[part]}
            for part, seconds in sorted(parts.items(), key=lambda each: -each[1])
        },
    }


def _tree(
    root: psutil.Process, seen: Mapping[tuple[int, float], tuple[str, float]]
) -> list[tuple[tuple[int, float], str, float, int]]:
    """Return key, part, CPU seconds and resident bytes of every process below the root.

    A process that has ended and is not waited for yet has no command line: it keeps the part that it was seen as.
    """
    found = []
    below = [(child, "night") for child in _children(root)]
    while below:
        process, above = below.pop()
        try:
            with process.oneshot():
                key, command = (process.pid, process.create_time()), " ".join(process.cmdline())
                known = seen.get(key, (above, 0.0))[0]
                part = (_part(command, process.name()) or above) if command else known
                times = process.cpu_times()
                found.append((key, part, times.user + times.system, process.memory_info().rss))
        except psutil.Error:
            continue
        below += [(child, part) for child in _children(process)]
    return found


def _whole(part: str, parts: Collection[str]) -> str:
    """The stage that a fork of the warm process abbreviates to its name, else the part itself."""
    return next((name for name in sorted(parts, key=len, reverse=True) if name[:NAME_BYTES] == part), part)


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.Error:
        return []


def _part(command: str, name: str) -> str:
    """The part that a process is by its command line; a fork of the warm process, by the name that it gave itself."""
    for pattern, part in PARTS:
        if match := pattern.search(command):
            if part == "warm process" and not name.startswith("python"):
                return name
            return part or "@".join(filter(None, match.groups()))
    return ""
