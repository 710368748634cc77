"""Retention: which releases are kept, and the removal of the others.

A removal is recorded in `removed/`, beside the releases, before it happens: the chain of what was served before ends
there, and a release that is missing without having been removed is still an error.
"""

import shutil
from pathlib import Path

from pipeline.releases.current import locked
from pipeline.releases.release import Release, before, current, release_ids
from pipeline.releases.removed import enter_removed
from pipeline.storage.tables import sync_folder


def surplus(root: Path, *, keep: int) -> list[str]:
    """Return the releases that nothing needs any more, the oldest night first.

    Needed are the `keep` latest; whatever their nights, the one that is served and the one that a rollback goes to; and
    of the chain of what was served before, what running a night of these again asks for. A withdrawal needs none: the
    ledger has the ids.

    Args:
        root: folder of releases.
        keep: at least so many stay; 0 for all.

    Raises:
        ReleaseError: the chain cannot be followed; what is needed is then unknown.
    """
    ids = release_ids(root)
    latest = ids[-keep:]  # all of them where it is 0
    if latest == ids:
        return []
    oldest_night = latest[0][:10]
    needed = set(latest)
    served = current(root)
    link: Release | None = served
    while link is not None:
        needed.add(link.id)
        if link.id != served.id and link.as_of.isoformat() < oldest_night:
            break
        link = before(root, link)
    return [name for name in ids if name not in needed]


def retire(root: Path, *, keep: int, spare: str) -> list[str]:
    """Remove surplus releases; a crash leaves each whole, or gone except for a folder that the next publishing removes.

    Args:
        root: folder of releases.
        keep: at least so many stay; 0 for all.
        spare: the release of the night at work, which is not removed in its own night.

    Returns:
        The ids of what was removed.

    Raises:
        ReleaseError: the chain cannot be followed.
    """
    with locked(root):
        gone = [name for name in surplus(root, keep=keep) if name != spare]
        for name in gone:
            enter_removed(root, name, keep=keep)
        for name in gone:
            (root / name).rename(root / f".tmp-removed-{name}")
        sync_folder(root)
        for name in gone:
            shutil.rmtree(root / f".tmp-removed-{name}")
    return gone
