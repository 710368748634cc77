"""The files below a landing root: links are followed, and archives looked into."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.logs.archives import is_archive, list_members
from pipeline.logs.reading import UnreadableFileError

DEEPEST = 32
"""Folders within folders that are looked into."""
_NO_FOLDERS = ("__MACOSX",)


@dataclass
class Walk:
    """Attributes:
    files: paths of files, relative to the root, in order; those within archives included (`pipeline.logs.archives`).
    sizes: of those within archives [B].
    trouble: what could not be looked into: its path, relative to the root, and the reason.
    """

    files: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    trouble: list[tuple[str, str]] = field(default_factory=list)


def walk(root: Path, *, start: Path | None = None) -> Walk:
    """Return the files below a folder. Hidden folders are left out.

    A folder is looked into once, however many links lead to it, by its own path if that lies below the root.

    Args:
        root: the folder that paths are relative to.
        start: a single file below it, to look at that alone.
    """
    found = Walk()
    if start is not None:
        _take(found, root, start.relative_to(root).as_posix())
    else:
        _folders(root, found)
    found.files.sort()
    return found


def _folders(root: Path, found: Walk) -> None:
    seen: set[str] = set()
    folders, links = [""], list[str]()
    while folders or links:
        if not folders:
            links.sort(reverse=True)
        relative = folders.pop() if folders else links.pop()
        real = os.path.realpath(root / relative)
        if real in seen or relative.count("/") >= DEEPEST:
            found.trouble.append((relative, "too deep" if real not in seen else "a link to a folder that is read"))
            continue
        seen.add(real)
        try:
            entries = sorted(os.scandir(root / relative), key=lambda entry: entry.name)
        except OSError as err:
            found.trouble.append((relative or ".", str(err.strerror)))
            continue
        for entry in entries:
            path = f"{relative}/{entry.name}" if relative else entry.name
            if entry.is_dir():
                if not entry.name.startswith(".") and entry.name not in _NO_FOLDERS:
                    (links if entry.is_symlink() else folders).append(path)
            elif entry.is_file():
                _take(found, root, path)
            elif entry.is_symlink():
                found.trouble.append((path, "a link that leads nowhere"))


def _take(found: Walk, root: Path, path: str) -> None:
    if not is_archive(path) or path.rsplit("/", maxsplit=1)[-1].startswith("."):
        found.files.append(path)
        return
    try:
        members = list_members(root / path)
    except (UnreadableFileError, OSError) as err:
        found.trouble.append((path, str(getattr(err, "strerror", None) or err)))
        return
    for member in members:
        folders = member.path.split("/")[:-1]
        if not any(folder.startswith(".") or folder in _NO_FOLDERS for folder in folders):
            found.files.append(f"{path}/{member.path}")
            found.sizes[f"{path}/{member.path}"] = member.bytes
