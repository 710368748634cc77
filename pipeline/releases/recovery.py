"""Recovers from a CURRENT that names no complete release, without which no night can open and no list is served.

The newest complete release that was not withdrawn is served instead, and recorded like a rollback. The damaged release
is not withdrawn: if its night is run again, it is served again.
"""

from pathlib import Path

from pipeline.errors import ReleaseError
from pipeline.releases.current import locked, set_current
from pipeline.releases.release import Release, current, open_verified, release_ids, verify
from pipeline.releases.rollback import TABLE, withdrawn
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append
from pipeline.storage.atomic import sync_folder


def fault(root: Path) -> str | None:
    """Return why no release is served although some were published, else None. Reads manifests only, not every file."""
    if not release_ids(root) and not (root / "CURRENT").exists():
        return None
    try:
        current(root)
    except ReleaseError as err:
        return err.found
    return None


def recover(root: Path, state: Where, *, by: str) -> Release | None:
    """Serve a complete release, after verifying every file of it.

    Args:
        root: folder of releases.
        state: the store in which the step is recorded.
        by: who asked for it.

    Returns:
        The release that is served now; the one in CURRENT if it is complete. None if no release is complete: CURRENT is
        then removed, and the next night starts like the first one.

    Raises:
        TableError: the state database is unreadable.
    """
    with locked(root):
        try:
            served = current(root)
            verify(served)
            return served
        except ReleaseError as err:
            reason = f"no complete release was served: {err.found}"
        target = _newest_whole(root, withdrawn(state))
        to = None if target is None else target.id
        append(state, TABLE, {"from": None, "to": to, "by": by, "reason": reason, "when": now()})
        if target is not None:
            set_current(root, target.id)
        else:
            (root / "CURRENT").unlink(missing_ok=True)
            sync_folder(root)
    return target


def _newest_whole(root: Path, taken_back: frozenset[str]) -> Release | None:
    """Return the complete release of the latest night; among several of one night, the one built last."""
    for name in sorted(release_ids(root), key=lambda name: (name[:10], (root / name).stat().st_mtime_ns), reverse=True):
        if name not in taken_back and (release := open_verified(root, name)) is not None:
            return release
    return None
