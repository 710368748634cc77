"""Checks for locks that would delay or stop a night, and of DVC's record of what it ran."""

import fcntl
import os
from functools import partial
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.nightly.dvc_lock import FIX, lock_fault
from pipeline.runtime import dvc_rwlock as rwlock
from pipeline.settings import Settings

CHECK = "locks"


def look(settings: Settings) -> list[Finding]:
    """Check DVC's rwlock, the workspace lock and the lock of the releases; the last two end with their process."""
    found = []
    if (wrong := rwlock.fault(settings.workspace)) is not None:
        repair = partial(_move_aside, settings.workspace)
        fix = "Until a night or --repair moves it aside, `dvc repro` by hand fails."
        found.append(Finding(CHECK, "fail", f".dvc/tmp/rwlock {wrong}", fix, repair))
    if (wrong := lock_fault(settings.workspace)) is not None:
        found.append(Finding(CHECK, "fail", f"dvc.lock {wrong}", FIX))
    held = [
        what
        for path, what in (
            (settings.workspace, "a night runs in this workspace"),
            (settings.releases / ".lock", "a release is being published"),
        )
        if _is_held(path)
    ]
    if held:
        found.append(Finding(CHECK, "ok", "; ".join(held)))
    return found or [Finding(CHECK, "ok", "no lock is held; DVC's rwlock is readable")]


def _move_aside(workspace: Path, _by: str) -> str:
    wrong = rwlock.move_aside(workspace)
    return f"moved .dvc/tmp/rwlock to {rwlock.ASIDE}" if wrong else "left .dvc/tmp/rwlock: DVC has repaired it"


def _is_held(path: Path) -> bool:
    """Return whether a process holds a lock. Testing takes the lock briefly; `exclusive_night` allows for that."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
