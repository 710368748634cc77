"""Serves an earlier release again. It needs the releases and the state database: no MLflow, no Spark.

The release that was rolled back from is withdrawn: publishing the same content again keeps it without serving it, until
a rollback names it.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import Release, current, open_release, previous_release, verify
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append, entries

TABLE = "rollbacks"


def roll_back(root: Path, state: Where, *, to: str | None, by: str, reason: str) -> tuple[Release, Release]:
    """Serve an earlier release after verifying every file of it.

    The step is recorded before it is taken: after a crash in between, the same command completes it.

    Args:
        root: folder of releases.
        state: the store in which the step is recorded.
        to: a release id; the default is the predecessor of the served release.
        by: who decides.
        reason: why.

    Returns:
        The release that was served, and the one that is served now.

    Raises:
        ReleaseError: there is no earlier release, it is already served, or its files have changed.
    """
    current(root)  # raises if no release was ever published, before the lock is created
    with locked(root):
        served = current(root)
        target = open_release(root, to) if to else previous_release(root, served)
        if target is None:
            raise ReleaseError(
                f"{served.id} is the oldest kept release",
                expected="an earlier release",
                fix="Name another release with --to.",
            )
        if target.id == served.id:
            raise ReleaseError(f"{to} is already served", expected="another release", fix="See `netgain releases`.")
        verify(target)
        append(state, TABLE, {"from": served.id, "to": target.id, "by": by, "reason": reason, "when": now()})
        set_current(root, target.id)
    return served, target


def withdrawn(state: Where) -> frozenset[str]:
    """Return the ids of releases that were rolled back from and not rolled back to since.

    Raises:
        TableError: the state database is unreadable.
    """
    names: set[str] = set()
    for entry in entries(state, TABLE):
        if entry["from"] is not None:  # None if no complete release was served (recovery.py)
            names.add(entry["from"])
        names.discard(entry["to"])
    return frozenset(names)


def rollback_entry(state: Where, release: str) -> dict[str, Any] | None:
    """Return the last rollback if it led to this release, else None.

    Raises:
        TableError: the state database cannot be read.
    """
    made = entries(state, TABLE)
    return made[-1] if made and made[-1]["to"] == release else None
