"""Temporaries that a crash left behind: no process reads them, and they take up disk space."""

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from pipeline.doctor.finding import Finding
from pipeline.releases.current import locked
from pipeline.settings import Settings
from pipeline.storage.orphans import find_orphans, remove_orphans

CHECK = "temporaries"
AGE_SECONDS = 600.0
"""A temporary that was modified more recently may still be written to."""


def look(settings: Settings) -> list[Finding]:
    """Report the orphaned temporaries in the folders that nights write to."""
    orphans = find_orphans(*_folders(settings), min_age_seconds=AGE_SECONDS)
    if not orphans:
        return [Finding(CHECK, "ok", "no orphaned temporaries")]
    first = orphans[0]
    shown = first.relative_to(settings.workspace) if first.is_relative_to(settings.workspace) else first
    more = f" and {len(orphans) - 1} more" if len(orphans) > 1 else ""
    found = f"orphaned temporaries: {shown}{more}"
    return [Finding(CHECK, "warn", found, "Remove them with `netgain doctor --repair`.", partial(_remove, settings))]


def _folders(settings: Settings) -> tuple[Path, ...]:
    here = settings.workspace
    return (
        settings.releases,
        settings.ledger,
        settings.reports,
        here / "night",
        here / "data",
        here / ".netgain" / "cache",
    )


def _remove(settings: Settings, _by: str) -> str:
    with ExitStack() as stack:
        if settings.releases.is_dir():
            stack.enter_context(locked(settings.releases))
        n_removed = remove_orphans(*_folders(settings), min_age_seconds=AGE_SECONDS)
    return f"removed {n_removed} orphaned temporar{'y' if n_removed == 1 else 'ies'}"
