"""The cost of commands, with all processes that they start."""

import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

_SAMPLE_SECONDS = 0.05


def measured(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], *, folder: Path | None = None
) -> dict[str, float]:
    """Run commands one after the other; return wall seconds, and CPU seconds of their whole process trees.

    Raises:
        subprocess.CalledProcessError: a command failed; what it said to stderr is printed.
    """
    seen: dict[tuple[int, float], float] = {}
    done = threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not done.wait(_SAMPLE_SECONDS):
            for process in me.children(recursive=True):
                try:
                    times = process.cpu_times()
                    seen[process.pid, process.create_time()] = times.user + times.system
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    started = time.monotonic()
    watcher.start()
    try:
        for command in commands:
            ran = subprocess.run(
                command,
                env=dict(environment),
                cwd=folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                check=False,
            )
            if ran.returncode:
                print(ran.stderr)
                ran.check_returncode()
    finally:
        done.set()
        watcher.join()
    return {"wall_seconds": time.monotonic() - started, "cpu_seconds": sum(seen.values())}
