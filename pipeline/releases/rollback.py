"""Back to an earlier release in one step. It needs the releases and nothing else: no MLflow, no Spark, no network.

A release that was rolled back from is withdrawn: publishing the same content again keeps it without serving it, until
somebody goes back to it by name.
"""

from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import Release, current, open_release, previous_release, verify
from pipeline.state.journal import append, now, read_lines

FILE = "rollbacks.jsonl"


def roll_back(root: Path, ledger: Path, *, to: str | None, by: str, reason: str) -> tuple[Release, Release]:
    """Serve an earlier release, once every file of it is known to be as published.

    The step is on record before it is taken: a crash between the two leaves a record of what was meant, and the same
    command carries it out.

    Args:
        root: folder of releases.
        ledger: where it is put on record.
        to: a release's id; by default the one that was served before the one that is served now.
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
        target = open_release(root, to) if to else previous_release(root, served)
        if target is None:
            raise ReleaseError(
                f"{served.id} is the first release that is kept",
                expected="one before it",
                fix="Name another one with --to.",
            )
        if target.id == served.id:
            raise ReleaseError(f"{to} is served already", expected="another release", fix="See `netgain releases`.")
        verify(target)
        append(ledger / FILE, {"from": served.id, "to": target.id, "by": by, "reason": reason, "when": now()})
        set_current(root, target.id)
    return served, target


def withdrawn(ledger: Path) -> frozenset[str]:
    """Releases that were rolled back from, and not gone back to since.

    Raises:
        TableError: the journal cannot be read.
    """
    names: set[str] = set()
    for entry in read_lines(ledger / FILE):
        if entry["from"] is not None:  # else nothing whole was served (recovery.py)
            names.add(entry["from"])
        names.discard(entry["to"])
    return frozenset(names)


def rollback_entry(ledger: Path, release: str) -> dict[str, Any] | None:
    """The last entry of the journal, if it led to this release.

    Raises:
        TableError: the journal cannot be read.
    """
    entries = read_lines(ledger / FILE)
    return entries[-1] if entries and entries[-1]["to"] == release else None
