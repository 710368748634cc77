"""What a crash left half made: nobody reads it, it takes room."""

import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.releases.current import locked
from pipeline.settings import Settings
from pipeline.state.outbox import FOLDER as OUTBOX

CHECK = "left-overs"
AGE_SECONDS = 600.0
"""What was touched since is somebody's work."""


def look(settings: Settings) -> list[Finding]:
    """Folders and files that are renamed when they are whole, and were not."""
    there = list(_left(settings))
    if not there:
        return [Finding(CHECK, "ok", "none")]
    shown = there[0].relative_to(settings.workspace) if there[0].is_relative_to(settings.workspace) else there[0]
    more = f" and {len(there) - 1} more" if len(there) > 1 else ""
    return [Finding(CHECK, "warn", f"{shown}{more}", "They may be removed.", partial(_remove, settings))]


def _left(settings: Settings) -> Iterator[Path]:
    here, ledger = settings.workspace, settings.ledger
    folders = [
        *settings.releases.glob(".tmp-*"),
        *(ledger / OUTBOX).glob(".tmp-*"),
        *(here / ".netgain" / "cache").glob(".making-*"),
    ]
    # `atomic_path` calls its files so.
    written = (settings.releases, ledger, settings.reports, here / "night", here / "data")
    files = [path for root in written for path in root.rglob(".*.tmp") if path.is_file()]
    now = time.time()
    for path in (*folders, *files):
        if not any(parent in folders for parent in path.parents) and _age(path, now) > AGE_SECONDS:
            yield path


def _age(path: Path, now: float) -> float:
    try:
        return now - path.lstat().st_mtime
    except FileNotFoundError:  # it was renamed just now, as it should be
        return 0.0


def _remove(settings: Settings, _by: str) -> str:
    with ExitStack() as stack:
        if settings.releases.is_dir():
            stack.enter_context(locked(settings.releases))
        there = list(_left(settings))
        for path in there:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    return f"removed {len(there)} left-over" + ("" if len(there) == 1 else "s")
