"""Recover from a CURRENT that names no complete release: no night could open, and no listener would be served.

The newest complete release that was not withdrawn takes its place, on record like a rollback. What CURRENT named is not
withdrawn: once its night has made it again, it is served again.
"""

from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, point
from pipeline.releases.release import Release, current, release_ids, verify, whole
from pipeline.releases.rollback import TABLE, withdrawn
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append
from pipeline.storage.tables import sync_folder


def fault(root: Path) -> str | None:
    """Return why nothing is served though something was published; None if a release is served, or none ever was.

    The manifest is read, not every file.
    """
    if not release_ids(root) and not (root / "CURRENT").exists():
        return None
    try:
        current(root)
    except ReleaseError as err:
        return err.found
    return None


def recover(root: Path, state: Where, *, by: str) -> Release | None:
    """Have CURRENT name a complete release, and verify every file of it.

    Args:
        root: folder of releases.
        state: where it is recorded.
        by: who asked for it.

    Returns:
        The release that is served now: what CURRENT named, if that is complete after all. None if no release is: CURRENT
        is then removed, and the next night begins as the first one does.

    Raises:
        TableError: the state database cannot be read.
    """
    with locked(root):
        try:
            served = current(root)
            verify(served)
            return served
        except ReleaseError as err:
            reason = f"nothing whole was served: {err.found}"
        target = _newest_whole(root, withdrawn(state))
        to = None if target is None else target.id
        append(state, TABLE, {"from": None, "to": to, "by": by, "reason": reason, "when": now()})
        if target is not None:
            point(root, target.id)
        else:
            (root / "CURRENT").unlink(missing_ok=True)
            sync_folder(root)
    return target


def _newest_whole(root: Path, taken_back: frozenset[str]) -> Release | None:
    """By night; of one night the one that was made last."""
    for name in sorted(release_ids(root), key=lambda name: (name[:10], (root / name).stat().st_mtime_ns), reverse=True):
        if name not in taken_back and (release := whole(root, name)) is not None:
            return release
    return None
