"""Run a command in the warm process of its workspace, if there is one.

Imports only the standard library, because `netgain stage X` imports this module before it connects.
"""

import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.errors import EXIT_TRANSIENT
from pipeline.runtime.parent_watch import watch_parent
from pipeline.runtime.warm_request import ACCEPTED, SOCKET, STATUS, current_request, peer_uid, send

FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that are passed on to the command. If this process is killed, the warm process kills the command."""


def run_warm(argv: list[str]) -> int | None:
    """Run `netgain *argv` in a fork of the workspace's warm process, on this process's streams.

    Returns:
        Its exit status, or minus the signal that ended it; None if no warm process serves this command, so that the
        caller must run it itself.
    """
    if not SOCKET.exists():
        return None
    if "DVC_STAGE" in os.environ:
        # Before the command starts: a parent that ended earlier could not be told from the process that adopts orphans.
        watch_parent(lambda: None)  # the command itself is the one that beats
    request = current_request(argv)  # before a socket takes the number of a closed stream
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(SOCKET))
            if peer_uid(connection) != os.geteuid():
                return None
            send(connection, request)
            with _forwarding(connection) as received:
                if connection.recv(1) == ACCEPTED:
                    received.clear()
                    return _status(connection)
        except OSError:  # a stale socket, or a warm process that ended before it accepted
            return None
    for number in received:  # the command that runs here instead has not seen them
        os.kill(os.getpid(), number)
    return None


def end_like(status: int) -> None:
    """End this process as a command ended: with its exit status, or by the signal that ended it."""
    if status < 0:
        if -status != signal.SIGKILL:
            signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def _status(connection: socket.socket) -> int:
    with contextlib.suppress(ConnectionError):
        answer = connection.recv(STATUS.size, socket.MSG_WAITALL)
        if len(answer) == STATUS.size:
            return int(STATUS.unpack(answer)[0])
    if sys.stderr is not None:
        sys.stderr.write("netgain: the warm process of this night ended, and this command with it; run it again\n")
    return EXIT_TRANSIENT


@contextmanager
def _forwarding(connection: socket.socket) -> Iterator[list[int]]:
    """Forward signals to the command until the block ends, one byte each, except those that this process ignores.

    Yields:
        The signals received so far.
    """
    received: list[int] = []

    def forward(number: int, _frame: object) -> None:
        received.append(number)
        with contextlib.suppress(OSError):
            connection.send(bytes([number]))

    before = {sign: signal.getsignal(sign) for sign in FORWARDED}
    for sign in FORWARDED:
        if before[sign] != signal.SIG_IGN:
            signal.signal(sign, forward)
    try:
        yield received
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)
