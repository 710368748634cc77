"""Waiting for a Spark server, which takes seconds to come up."""

import socket
import time
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import SettingsError

_START_SECONDS = 120


def wait_until_ready(port: int, *, running: Callable[[], bool], log: Path) -> None:
    """Return when a server listens on a port of this machine.

    Args:
        port: on loopback.
        running: whether its process is alive.
        log: its log, for the error.

    Raises:
        SettingsError: its process ended first, or two minutes have passed.
    """
    deadline = time.monotonic() + _START_SECONDS
    while not _listens(port):
        if not running() or time.monotonic() > deadline:
            raise start_failed(log)
        time.sleep(0.1)


def start_failed(log: Path) -> SettingsError:
    """The error of a JVM that did not come up, with the end of its log."""
    tail = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
    return SettingsError(f"Spark did not start: {tail}", expected="a session", fix=f"Read {log}.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
