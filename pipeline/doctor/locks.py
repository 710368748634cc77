"""Locks that would keep a night waiting, or stop it."""

import fcntl
import os
from functools import partial
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.runtime import dvc_rwlock as rwlock
from pipeline.settings import Settings

CHECK = "locks"


def look(settings: Settings) -> list[Finding]:
    """DVC's rwlock, the workspace's lock and the lock of the releases; the two last die with their process."""
    found = []
    if (wrong := rwlock.fault(settings.workspace)) is not None:
        repair = partial(_aside, settings.workspace)
        fix = "Each `dvc repro` by hand fails until a night, or --repair, puts it aside."
        found.append(Finding(CHECK, "fail", f".dvc/tmp/rwlock {wrong}", fix, repair))
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
    return found or [Finding(CHECK, "ok", "free; DVC's rwlock can be read")]


def _aside(workspace: Path, _by: str) -> str:
    wrong = rwlock.move_aside(workspace)
    return f"put .dvc/tmp/rwlock aside as {rwlock.ASIDE}" if wrong else "left .dvc/tmp/rwlock: DVC has mended it"


def _is_held(path: Path) -> bool:
    """Whether somebody has locked it. Asking takes the lock for an instant, which `exclusive_night` waits for."""
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
