"""One night at a time in a workspace, whoever starts it; and what becomes of one that did not end."""

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
"""A stage that lost its parent ends within a second or two; so long is it waited for."""
_ASKING_SECONDS = 0.5
"""`netgain doctor` asks for the workspace's lock by taking it for an instant."""


State = Literal["ended", "at work", "silent", "gone"]
"""Of a night: silent for so long that another may take its place, or gone with its process and without an end."""


class NightRunning(TransientError):
    """Another night holds this workspace."""


@contextmanager
def exclusive_night(settings: Settings) -> Iterator[None]:
    """Hold the workspace. The lock is on the folder itself, so that a night with faulty inputs writes nothing; it
    belongs to the process, and ends with it, however it ends.

    Raises:
        NightRunning: another process holds it.
    """
    with _flocked(settings.workspace, fcntl.LOCK_EX, wait=_ASKING_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        yield


@contextmanager
def shared_work(settings: Settings) -> Iterator[None]:
    """For a stage or an effect: no night is opened while it runs.

    Raises:
        NightRunning: one is being opened.
    """
    with _flocked(settings.workspace / "night", fcntl.LOCK_SH, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        yield


def require_free(settings: Settings) -> None:
    """Nothing is written here.

    Raises:
        NightRunning: a night that spans several processes shows signs of life, or one was made on another machine and
            did lately.
    """
    lease = in_force(settings.ledger)
    if lease is None or state_of(settings, lease) != "at work":
        return
    mine = lease.owner == settings.owner if lease.owner else bool(is_alive(lease)) and lease.pid == os.getpid()
    if not mine:
        raise NightRunning(
            f"{lease} has not ended, and was alive {idle_seconds(settings.ledger, lease):.0f} s ago",
            expected="one night at a time",
            fix=f"Wait for it; after {settings.lease_minutes:g} minutes without a sign of life it is taken over.",
        )


def state_of(settings: Settings, lease: Lease) -> State:
    """What has become of the night of a lease, as far as can be seen from here."""
    if lease.ended is not None:
        return "ended"
    if lease.owner is None and is_alive(lease) is False:
        return "gone"
    silent = idle_seconds(settings.ledger, lease) >= 60 * settings.lease_minutes
    return "silent" if silent else "at work"


def take_over(settings: Settings, *, as_of: str) -> Lease:
    """The lease of a night that opens now. One whose night did not end is void from here on, and that is said.

    Raises:
        NightRunning: a stage of an earlier night is still at work.
    """
    with _flocked(settings.workspace / "night", fcntl.LOCK_EX, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(settings)
        lease, before = acquire(settings.ledger, as_of=as_of, owner=settings.owner)
    if before is not None:
        print(f"netgain: {before} did not end; lease {lease.token} takes its place", file=sys.stderr)  # noqa: T201
    return lease


def _running(settings: Settings) -> NightRunning:
    return NightRunning(
        f"a night is running in {settings.workspace}", expected="one at a time", fix="Wait for it to end."
    )


@contextmanager
def _flocked(folder: Path, how: int, *, wait: float = 0.0) -> Iterator[bool]:
    """A lock on a folder that dies with the process; False where others have it. A folder that is not there is free."""
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
