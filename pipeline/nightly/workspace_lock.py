"""One night at a time in a workspace, whoever starts it; and the state of one that did not end."""

import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pipeline.errors import TransientError
from pipeline.settings import Settings
from pipeline.state.lease import Lease, acquire, idle_seconds, in_force, is_alive

_ORPHAN_SECONDS = 10.0
"""How long to wait for a stage that lost its parent: it ends within a second or two."""
_ASKING_SECONDS = 0.5
"""How long to wait for `netgain doctor`, which tests the workspace's lock by taking it for an instant."""


State = Literal["ended", "at work", "silent", "gone"]
"""Of a night: `silent` for so long that another may take its place, or `gone`: its process ended, the night did not."""


class NightRunning(TransientError):
    """Another night holds this workspace."""


@contextmanager
def only_night(settings: Settings) -> Iterator[None]:
    """Hold the workspace. The lock is on the folder itself, so that a night with faulty inputs writes nothing; the
    kernel releases it when the process ends.

    Raises:
        NightRunning: another process holds it.
    """
    with _flocked(settings.workspace, fcntl.LOCK_EX, wait=_ASKING_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        yield


@contextmanager
def at_work(settings: Settings) -> Iterator[None]:
    """Keep any night from being opened while a stage or an effect runs.

    Raises:
        NightRunning: one is being opened.
    """
    with _flocked(settings.workspace / "night", fcntl.LOCK_SH, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        yield


def require_free(settings: Settings) -> None:
    """Check that no night is at work; write nothing.

    Raises:
        NightRunning: a night of several processes, or on another machine, sent a heartbeat lately.
    """
    lease = in_force(settings.state)
    if lease is None or state_of(settings, lease) != "at work":
        return
    mine = lease.owner == settings.owner if lease.owner else bool(is_alive(lease)) and lease.pid == os.getpid()
    if not mine:
        raise NightRunning(
            f"{lease} has not ended, and was alive {idle_seconds(settings.state, lease):.0f} s ago",
            expected="one night at a time",
            fix=f"Wait for it; after {settings.lease_minutes:g} minutes without a sign of life it is taken over.",
        )


def state_of(settings: Settings, lease: Lease) -> State:
    """Return the state of a lease's night, as far as this machine can tell."""
    if lease.ended is not None:
        return "ended"
    if lease.owner is None and is_alive(lease) is False:
        return "gone"
    silent = idle_seconds(settings.state, lease) >= 60 * settings.lease_minutes
    return "silent" if silent else "at work"


def take_over(settings: Settings, *, as_of: str) -> Lease:
    """Return the lease of a night that opens now. If the night before did not end, its lease is void; report that.

    Raises:
        NightRunning: a stage of an earlier night is still at work.
    """
    with _flocked(settings.workspace / "night", fcntl.LOCK_EX, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        lease, before = acquire(settings.state, as_of=as_of, owner=settings.owner)
    if before is not None:
        print(f"netgain: {before} did not end; lease {lease.token} takes its place", file=sys.stderr)  # noqa: T201
    return lease


def _running(settings: Settings) -> NightRunning:
    return NightRunning(
        f"a night is running in {settings.workspace}", expected="one at a time", fix="Wait for it to end."
    )


@contextmanager
def _flocked(folder: Path, how: int, *, wait: float = 0.0) -> Iterator[bool]:
    """Lock a folder until the process ends; yields False if another process has it. A missing folder is free."""
    if not folder.is_dir():
        yield True
        return
    handle, until = os.open(folder, os.O_RDONLY), time.monotonic() + wait
    try:
        while not (mine := _try(handle, how)) and time.monotonic() < until:
            time.sleep(0.1)
        yield mine
    finally:
        os.close(handle)


def _try(handle: int, how: int) -> bool:
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
