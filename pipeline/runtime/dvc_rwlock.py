"""Recovery from a damaged `.dvc/tmp/rwlock`, DVC's list of the processes that read and write each file.

DVC writes the file in place: a process killed in the middle leaves it truncated, and every later DVC command fails. DVC
removes entries of dead processes itself, but compares only process ids, which a container soon assigns again.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

ASIDE = "rwlock.aside"
_CLOCK_SECONDS = 2.0
"""Tolerance [s] between a process's start and the time of a file it wrote: /proc and file systems round differently."""


class _Holder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    pid: int
    cmd: str


class _RwLock(BaseModel):
    """The content of the file; same schema as in dvc/rwlock.py."""

    model_config = ConfigDict(extra="forbid", strict=True)
    write: dict[str, _Holder] = {}
    read: dict[str, list[_Holder]] = {}

    def holders(self) -> list[_Holder]:
        return [*self.write.values(), *(holder for holders in self.read.values() for holder in holders)]


def fault(workspace: Path) -> str | None:
    """Return what is wrong with the file, as a short phrase for a message.

    None if the file is missing, or if DVC can read it and one of the processes in it may still be running. Another
    process may be writing the file at this moment, so `move_aside` checks again under DVC's lock.
    """
    path = _path(workspace)
    try:
        written = path.stat().st_mtime
        holders = _RwLock.model_validate_json(path.read_bytes()).holders()
    except FileNotFoundError:
        return None
    except ValidationError:
        return "cannot be read"
    if holders and not any(_may_be_at_work(holder.pid, written) for holder in holders):
        return f"names only processes that are gone (the last was {holders[-1].pid})"
    return None


def move_aside(workspace: Path) -> str | None:
    """Rename a faulty file to `ASIDE`, while holding the lock under which DVC writes it.

    Returns:
        What was wrong with the file; None if nothing was, or if DVC still held the lock after DVC's own timeout.
    """
    if fault(workspace) is None:
        return None
    from dvc.config import Config
    from dvc.lock import LockError, make_lock

    path = _path(workspace)
    core: dict[str, Any] = Config(str(workspace / ".dvc"))["core"]
    guard = make_lock(
        str(path.with_name("rwlock.lock")), tmp_dir=str(path.parent), hardlink_lock=core.get("hardlink_lock", False)
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(guard)
        except LockError:
            return None
        found = fault(workspace)
        if found is not None:
            path.replace(path.with_name(ASIDE))
    return found


def _path(workspace: Path) -> Path:
    return workspace / ".dvc" / "tmp" / "rwlock"


def _may_be_at_work(pid: int, written: float) -> bool:
    """Return whether the process that was entered may still be running.

    A process that started after the file was written has a reused pid, unless it is DVC itself: the clock may have been
    set forward meanwhile.

    Args:
        pid: the process id in the file.
        written: when the file was written [s since 1970].
    """
    import psutil

    try:
        process = psutil.Process(pid)
        return process.create_time() <= written + _CLOCK_SECONDS or any("dvc" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
