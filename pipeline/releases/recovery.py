"""A CURRENT that names nothing whole: no night could open, and nobody would be served until it does.

The newest whole release that was not withdrawn takes its place, on record like a rollback. What CURRENT named is not
withdrawn by it: made anew by its night, it is served again.
"""

from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import Release, current, open_verified, release_ids, verify
from pipeline.releases.rollback import FILE, withdrawn
from pipeline.state.journal import append, now
from pipeline.storage.tables import sync_folder


def fault(root: Path) -> str | None:
    """Why nothing is served though something was published; None where a release is, or none ever was. Its manifest is
    read, not every file."""
    if not release_ids(root) and not (root / "CURRENT").exists():
        return None
    try:
        current(root)
    except ReleaseError as err:
        return err.found
    return None


def recover(root: Path, ledger: Path, *, by: str) -> Release | None:
    """Have CURRENT name a whole release, every file of it read.

    Args:
        root: folder of releases.
        ledger: where it is put on record.
        by: who has it done.

    Returns:
        What is served now: what CURRENT named, where that is whole after all. None where no release is: CURRENT is then
        taken away, and the next night begins as the first one does.

    Raises:
        TableError: the journal of rollbacks cannot be read.
    """
    with locked(root):
        try:
            served = current(root)
            verify(served)
            return served
        except ReleaseError as err:
            reason = f"nothing whole was served: {err.found}"
        target = _newest_whole(root, withdrawn(ledger))
        to = None if target is None else target.id
        append(ledger / FILE, {"from": None, "to": to, "by": by, "reason": reason, "when": now()})
        if target is not None:
            set_current(root, target.id)
        else:
            (root / "CURRENT").unlink(missing_ok=True)
            sync_folder(root)
    return target


def _newest_whole(root: Path, taken_back: frozenset[str]) -> Release | None:
    """By night; of one night the one that was made last."""
    for name in sorted(release_ids(root), key=lambda name: (name[:10], (root / name).stat().st_mtime_ns), reverse=True):
        if name not in taken_back and (release := open_verified(root, name)) is not None:
            return release
    return None
