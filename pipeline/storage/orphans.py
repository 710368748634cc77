"""Temporary files and folders: how they are named, found and removed.

Everything is written under a temporary name beside its target and renamed when it is complete. A temporary's name
begins with `.tmp-`; one that no process will rename any more, because its process was killed, is an orphan.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = ".tmp-"


def temporary_beside(path: Path) -> Path:
    """Return the temporary path from which a file or folder is renamed to `path`."""
    return path.with_name(f"{PREFIX}{path.name}")


def find_orphans(*folders: Path, min_age_seconds: float = 0.0) -> list[Path]:
    """Return the temporaries below some folders, sorted; what lies inside a temporary folder is part of it.

    Args:
        folders: folders to search; missing ones are skipped.
        min_age_seconds: temporaries modified more recently are left out, as they may still be written to [s].
    """
    found = set(_temporaries(folders))
    if min_age_seconds > 0:
        now = time.time()
        found = {path for path in found if now - _modified(path, now) >= min_age_seconds}
    return sorted(found)


def remove_orphans(*folders: Path, min_age_seconds: float = 0.0) -> int:
    """Remove the temporaries that `find_orphans` finds, and return how many there were.

    Without an age, the caller must hold a lock that keeps other writers out of the folders.
    """
    orphans = find_orphans(*folders, min_age_seconds=min_age_seconds)
    for path in orphans:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    return len(orphans)


def _temporaries(folders: tuple[Path, ...]) -> Iterator[Path]:
    for folder in folders:
        for path in folder.rglob(f"{PREFIX}*"):
            inner = path.relative_to(folder).parts[:-1]
            if not any(part.startswith(PREFIX) for part in inner):
                yield path


def _modified(path: Path, now: float) -> float:
    """Return the time of the last change [s since 1970]; now, if the temporary was renamed in the meantime."""
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return now
