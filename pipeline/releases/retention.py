"""Which releases are kept, and the removal of the others.

What is removed stands in `removed.jsonl` beside, before it goes: so the chain of what was served before ends there, and
a release that is missing without having been removed is still an error.
"""

import shutil
from pathlib import Path

from pipeline.releases.current import locked
from pipeline.releases.release import Release, current, previous_release, release_ids, removed_ids
from pipeline.state.journal import append, now
from pipeline.state.journals import REMOVED
from pipeline.storage.orphans import PREFIX
from pipeline.storage.tables import sync_folder


def surplus(root: Path, *, keep: int) -> list[str]:
    """Releases that nothing needs any more, the oldest night first.

    Needed are the `keep` latest; whatever their nights, the one that is served and the one that a rollback goes to; and
    of the chain of what was served before, what running a night of these again asks for. A withdrawal needs none: the
    ledger has the ids.

    Args:
        root: folder of releases.
        keep: at least so many stay; 0 for all.

    Raises:
        ReleaseError: the chain cannot be followed; nobody knows then what is needed.
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
        link = previous_release(root, link)
    return [name for name in ids if name not in needed]


def retire(root: Path, *, keep: int, spare: str) -> list[str]:
    """Remove what is surplus; a crash leaves it whole, or gone but for a folder that the next publishing removes.

    Args:
        root: folder of releases.
        keep: at least so many stay; 0 for all.
        spare: the release of the night at work, which is not removed in its own night.

    Returns:
        What was removed.

    Raises:
        ReleaseError: the chain cannot be followed.
    """
    with locked(root):
        gone = [name for name in surplus(root, keep=keep) if name != spare]
        known = removed_ids(root)
        told = [{"release": name, "when": now(), "keep": keep} for name in gone if name not in known]
        if told:
            append(root / REMOVED, *told)
        for name in gone:
            (root / name).rename(root / f"{PREFIX}removed-{name}")
        sync_folder(root)
        for name in gone:
            shutil.rmtree(root / f"{PREFIX}removed-{name}")
    return gone
