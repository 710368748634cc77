"""The workspace lock: one night at a time in a workspace, and the takeover of a night that did not finish."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pipeline.errors import TransientError
from pipeline.settings import Settings
from pipeline.state.lease import Lease, acquire, idle_seconds, in_force, is_alive
from pipeline.terminal import tell

_ORPHAN_SECONDS = 10.0
"""How long to wait for the stages of a killed night: they end within a second or two of their parent [s]."""
_ASKING_SECONDS = 0.5
"""How long to wait for `netgain doctor`, which tests the workspace lock by taking it briefly [s]."""


State = Literal["ended", "at work", "silent", "gone"]
"""The state of a night: `silent` sent no heartbeat for so long that another night may take over; `gone` lost its
process without finishing."""


class NightRunning(TransientError):
    """Another night is running in this workspace."""


@contextmanager
def exclusive_night(workspace: Path) -> Iterator[None]:
    """Hold the workspace exclusively while a night runs.

    The lock is on the folder itself, so that a night with faulty inputs writes nothing. It belongs to the process and
    is released when the process ends, however it ends.

    Raises:
        NightRunning: another process holds it.
    """
    with _flocked(workspace, fcntl.LOCK_EX, wait=_ASKING_SECONDS) as mine:
        if not mine:
            raise _running(workspace)
        yield


@contextmanager
def shared_work(workspace: Path) -> Iterator[None]:
    """Hold the open night while a stage or an effect runs, so that no other night can be opened.

    Raises:
        NightRunning: a night is being opened.
    """
    with _flocked(workspace / "night", fcntl.LOCK_SH, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(workspace)
        yield


def require_free(settings: Settings) -> None:
    """Check that no other night is running; nothing is written.

    Raises:
        NightRunning: a night of another owner or process sent a heartbeat recently.
    """
    lease = in_force(settings.state)
    if lease is None or state_of(settings, lease) != "at work":
        return
    mine = lease.owner == settings.owner if lease.owner else bool(is_alive(lease)) and lease.pid == os.getpid()
    if not mine:
        raise NightRunning(
            f"{lease} has not finished; its last heartbeat was {idle_seconds(settings.state, lease):.0f} s ago",
            expected="one night at a time",
            fix=f"Wait for it; after {settings.lease_minutes:g} minutes without a heartbeat it is taken over.",
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
    """Return a new lease for a night that opens now; an unfinished earlier lease becomes void, which is printed.

    Raises:
        NightRunning: a stage of an earlier night is still running.
    """
    with _flocked(settings.workspace / "night", fcntl.LOCK_EX, wait=_ORPHAN_SECONDS) as mine:
        if not mine:
            raise _running(settings.workspace)
        lease, before = acquire(settings.state, as_of=as_of, owner=settings.owner)
    if before is not None:
        tell(f"{before} did not finish; lease {lease.token} replaces it")
    return lease


def _running(workspace: Path) -> NightRunning:
    return NightRunning(
        f"a night is running in {workspace}", expected="one night at a time", fix="Wait for it to finish."
    )


@contextmanager
def _flocked(folder: Path, how: int, *, wait: float = 0.0) -> Iterator[bool]:
    """Yield whether a lock on a folder was obtained; it ends with the process. A missing folder counts as free."""
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
