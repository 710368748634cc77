"""Records of removed releases: a small file for each, in a folder beside the releases.

The records are kept with the releases and not in the state database, because a program that reads or copies the folder
without Netgain's state must be able to distinguish a removed release from a lost one. Only the name of a file counts,
so a truncated record is still valid.
"""

from pathlib import Path

from pipeline.state.clock import now

FOLDER = "removed"


def removed_ids(root: Path) -> frozenset[str]:
    """Return the ids that retention has removed, or was about to; some may have been built again since."""
    return frozenset(path.stem for path in (root / FOLDER).glob("[!.]*.json"))


def enter_removed(root: Path, name: str, *, keep: int, when: str | None = None) -> None:
    """Record durably that a release is removed; a second call changes nothing.

    Args:
        root: folder of releases.
        name: the release.
        keep: the smallest number of releases that retention keeps.
        when: time of the removal, ISO 8601 in UTC; the default is now.
    """
    from pipeline.storage.tables import write_json  # loads Arrow, which the server can do without

    path = root / FOLDER / f"{name}.json"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        write_json(path, {"release": name, "keep": keep, "when": when or now()})
