"""What retention removed: a small file for each release, beside the releases.

It stays with the releases, not in the state database: whoever reads or copies the folder without Netgain's state must
be able to tell a release that was removed from one that is lost. Each file counts by its name alone, so that one that
was cut off still says which release was removed.
"""

from pathlib import Path

from pipeline.state.clock import now
from pipeline.storage.tables import write_json

FOLDER = "removed"


def removed_ids(root: Path) -> frozenset[str]:
    """Return ids of what retention has removed, or was about to; some may have been made again since."""
    return frozenset(path.stem for path in (root / FOLDER).glob("[!.]*.json"))


def enter_removed(root: Path, name: str, *, keep: int, when: str | None = None) -> None:
    """Record that a release is removed, durable when this returns; a second time changes nothing.

    Args:
        root: folder of releases.
        name: the release.
        keep: how many of the latest stay.
        when: ISO 8601 in UTC; default: now.
    """
    path = root / FOLDER / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_json(path, {"release": name, "keep": keep, "when": when or now()})
