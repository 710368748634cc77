"""Wait for a Spark server, which takes seconds to start."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import SettingsError

_START_SECONDS = 120


def wait_until_ready(port: int, *, running: Callable[[], bool], log: Path) -> None:
    """Wait until a server listens on a port of this machine.

    Args:
        port: a port on loopback.
        running: returns whether the server's process is alive.
        log: the server's log, for the error.

    Raises:
        SettingsError: the process ended first, or two minutes have passed.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(port):
        if not running() or time.monotonic() > deadline:
            raise start_failed(log)
        time.sleep(0.1)


def start_failed(log: Path) -> SettingsError:
    """Return the error to raise for a JVM that did not start, with the last lines of its log."""
    lines = log.read_text(errors="replace").splitlines()
    # A Java exception is named in its first line, which does not begin with `at`, and not at the end.
    told = [line.strip() for line in lines if not line.lstrip().startswith("at ") and " INFO " not in line]
    tail = " | ".join(told[-3:])
    return SettingsError(f"Spark did not start: {tail}", expected="a session", fix=f"Read {log}.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
