"""Decides which releases are kept, and removes the others.

A removal is recorded in `removed/`, beside the releases, before it happens: the chain of predecessors ends there, and a
release that is missing without a record is still an error.
"""

import shutil
from pathlib import Path

from pipeline.releases.current import locked
from pipeline.releases.release import Release, current, previous_release, release_ids
from pipeline.releases.removed import enter_removed
from pipeline.storage.atomic import sync_folder
from pipeline.storage.orphans import PREFIX


def surplus(root: Path, *, keep: int) -> list[str]:
    """Return the ids of releases that are no longer needed, the oldest night first.

    Needed are the `keep` latest releases, the served one, the one that a rollback would serve, and the predecessors
    that are read if a night of these is run again. Withdrawn releases are not needed: the ledger has their ids.

    Args:
        root: folder of releases.
        keep: the smallest number of releases to keep; 0 keeps all.

    Raises:
        ReleaseError: the chain of predecessors is broken, so the needed releases are unknown.
    """
    ids = release_ids(root)
    latest = ids[-keep:]  # all of them if keep is 0
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
        link = previous_release(root, link)
    return [name for name in ids if name not in needed]


def retire(root: Path, *, keep: int, spare: str) -> list[str]:
    """Remove surplus releases. A crash leaves a release complete, or a temporary that the next publishing removes.

    Args:
        root: folder of releases.
        keep: the smallest number of releases to keep; 0 keeps all.
        spare: the release of the running night, which is never removed.

    Returns:
        The ids of the removed releases.

    Raises:
        ReleaseError: the chain of predecessors is broken.
    """
    with locked(root):
        surplus_ids = [name for name in surplus(root, keep=keep) if name != spare]
        for name in surplus_ids:
            enter_removed(root, name, keep=keep)
        for name in surplus_ids:
            (root / name).rename(root / f"{PREFIX}removed-{name}")
        sync_folder(root)
        for name in surplus_ids:
            shutil.rmtree(root / f"{PREFIX}removed-{name}")
    return surplus_ids
