"""DVC's list of who reads and writes which file, `.dvc/tmp/rwlock`, where it would stop every `dvc repro` to come.

DVC writes it in place: a kill between two bytes leaves half of it, and no DVC reads that again. It takes an entry of a
dead process out by itself, but goes by the number alone, which in a container of its own another process soon has.
"""

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

ASIDE = "rwlock.aside"
_CLOCK_SECONDS = 2.0
"""By how much the start of a process may seem to lie behind what it wrote: file systems and /proc round differently."""


class _Holder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    pid: int
    cmd: str


class _RwLock(BaseModel):
    """The same schema as that of dvc/rwlock.py."""

    model_config = ConfigDict(extra="forbid", strict=True)
    write: dict[str, _Holder] = {}
    read: dict[str, list[_Holder]] = {}

    def holders(self) -> list[_Holder]:
        return [*self.write.values(), *(holder for holders in self.read.values() for holder in holders)]


def fault(workspace: Path) -> str | None:
    """What is wrong with it, in a few words; None where DVC can read it and somebody whom it names may be at work.

    It may be half written at this instant: `move_aside` looks again when nobody writes.
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
    """Take a faulty one out of DVC's way, under the lock that DVC writes it under; one without a fault is left alone.

    Returns:
        What was wrong with it; None where nothing was, or a DVC is writing it and could not be waited for.
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
    """Whether it runs, and did so when the file was written [s since 1970]; later, another has its number. A DVC is
    never taken for another: clocks are put forward, too."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.create_time() <= written + _CLOCK_SECONDS or any("dvc" in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True
