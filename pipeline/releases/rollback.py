"""Roll back to an earlier release in one step. It needs the releases and the state database: no MLflow, no Spark.

A release that was rolled back from is withdrawn: publishing the same content again keeps it without serving it, until a
rollback names it.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, point
from pipeline.releases.release import Release, before, current, open_release, verify
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append, entries

TABLE = "rollbacks"


def roll_back(root: Path, state: Where, *, to: str | None, by: str, reason: str) -> tuple[Release, Release]:
    """Serve an earlier release after verifying every file of it.

    The step is recorded before it is taken: a crash between the two leaves a record of what was meant, and the same
    command carries it out.

    Args:
        root: folder of releases.
        state: where it is recorded.
        to: a release's id; by default the one that was served before the current one.
        by: who decides.
        reason: why.

    Returns:
        The release that was served, and the one that is served now.

    Raises:
        ReleaseError: there is no earlier release, it is served already, or its files are not as published.
    """
    current(root)  # where nothing was ever published, there is nothing to lock either
    with locked(root):
        served = current(root)
        target = open_release(root, to) if to else before(root, served)
        if target is None:
            raise ReleaseError(
                f"{served.id} is the first release that is kept",
                expected="one before it",
                fix="Name another one with --to.",
            )
        if target.id == served.id:
            raise ReleaseError(f"{to} is served already", expected="another release", fix="See `netgain releases`.")
        verify(target)
        append(state, TABLE, {"from": served.id, "to": target.id, "by": by, "reason": reason, "when": now()})
        point(root, target.id)
    return served, target


def withdrawn(state: Where) -> frozenset[str]:
    """Return the ids of releases that were rolled back from, and not rolled back to since.

    Raises:
        TableError: the state database cannot be read.
    """
    names: set[str] = set()
    for entry in entries(state, TABLE):
        if entry["from"] is not None:  # else nothing whole was served (recovery.py)
            names.add(entry["from"])
        names.discard(entry["to"])
    return frozenset(names)


def gone_back_to(state: Where, release: str) -> dict[str, Any] | None:
    """Return the last rollback if it led to this release, else None.

    Raises:
        TableError: the state database cannot be read.
    """
    made = entries(state, TABLE)
    return made[-1] if made and made[-1]["to"] == release else None
