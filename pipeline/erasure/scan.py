"""The proof of erasure: searches every file of the workspace, and Git's objects, for tokens."""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.erasure.git import objects_with
from pipeline.erasure.search import NotSearched, holds
from pipeline.erasure.sought import Sought
from pipeline.settings import Settings

PROGRAMS = (".venv", ".netgain/uv", ".netgain/java")
"""Installed programs, relative to the workspace: no listener gets there."""
_GIT = ".git"


@dataclass
class Found:
    """What a search found.

    Attributes:
        files: that contain a token, in their content or their path.
        objects: of Git, by id.
        unsearched: files of which a part could not be read or unpacked.
    """

    files: list[Path] = field(default_factory=list)
    objects: list[str] = field(default_factory=list)
    unsearched: list[Path] = field(default_factory=list)


def search_everything(settings: Settings, sought: Sought, *, landing: Path, but: Collection[Path] = ()) -> Found:
    """Search the workspace and the folders that lie outside of it.

    Args:
        settings: of the machine.
        sought: the tokens.
        landing: the landing root of the night.
        but: folders to leave out.
    """
    found = search_files(places(settings, landing), sought, but=(*but, *(settings.workspace / p for p in PROGRAMS)))
    found.objects = objects_with(settings.workspace, sought)
    return found


def places(settings: Settings, landing: Path) -> list[Path]:
    """Return the workspace, and the folders of a night that lie outside of it."""
    here = settings.workspace
    folders = (landing, settings.releases, settings.reports, settings.ledger, settings.mlflow_artifacts)
    outside = {path.resolve() for path in folders if path.exists()}
    return [here, *sorted(path for path in outside if not path.is_relative_to(here.resolve()))]


def search_files(folders: Collection[Path], sought: Sought, *, but: Collection[Path] = ()) -> Found:
    """Search all files below some folders; hard links are read once, and links are not followed."""
    found, seen, left_out = Found(), set(), {path.resolve() for path in but}
    for folder in folders:
        for path in _files(folder, left_out):
            if sought.in_bytes(os.fsencode(path.relative_to(folder))):
                found.files.append(path)
                continue
            try:
                stat = path.lstat()
                if path.is_symlink() or not path.is_file() or (stat.st_dev, stat.st_ino) in seen:
                    continue
                seen.add((stat.st_dev, stat.st_ino))
                if holds(path, sought):
                    found.files.append(path)
                    seen.discard((stat.st_dev, stat.st_ino))  # its other names have to go, too
            except FileNotFoundError:
                continue  # a temporary file of another process
            except (OSError, NotSearched):
                found.unsearched.append(path)
    return found


def _files(folder: Path, left_out: set[Path]) -> Iterator[Path]:
    for name, folders, files in os.walk(folder):
        here = Path(name)
        folders[:] = sorted(each for each in folders if each != _GIT and (here / each).resolve() not in left_out)
        links = [each for each in folders if (here / each).is_symlink()]
        yield from (path for each in sorted((*files, *links)) if (path := here / each).resolve() not in left_out)
