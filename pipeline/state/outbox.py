"""The outbox: what is to go to MLflow, a folder an entry, kept on this disk until it is there.

An entry is built in a folder beside, made durable and renamed, so there is a whole one or none. It is removed after
MLflow has it; between the two a crash leaves it, and delivering it once more finds what is there.
"""

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import SettingsError
from pipeline.storage.orphans import remove_orphans, temporary_beside
from pipeline.storage.tables import read_json, sync_folder, write_json

FOLDER = "outbox"
Kind = Literal["record", "promote"]
_NAME = re.compile(r"(\d{6})-(record|promote)-(\d{4}-\d{2}-\d{2}-\w+)")
_ENTRY = "entry.json"


@dataclass(frozen=True)
class Waiting:
    """An entry.

    Attributes:
        folder: of entry.json and the files that it speaks of.
        kind: a night's record, or the alias that follows it.
        key: of the night; begins with its date.
    """

    folder: Path
    kind: str
    key: str

    @property
    def as_of(self) -> str:
        return self.key[:10]

    def body(self) -> dict[str, Any]:
        """What `put` was given.

        Raises:
            TableError: the entry is damaged.
        """
        body: dict[str, Any] = read_json(self.folder / _ENTRY)
        return body

    def n_bytes(self) -> int:
        """Of all its files."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def waiting(ledger: Path) -> tuple[Waiting, ...]:
    """All entries, in the order in which they were made."""
    folder = ledger / FOLDER
    found = ((path, _NAME.fullmatch(path.name)) for path in sorted(folder.iterdir())) if folder.is_dir() else ()
    return tuple(Waiting(path, name[2], name[3]) for path, name in found if name)


def put(ledger: Path, kind: Kind, key: str, body: Mapping[str, Any], files: Mapping[str, Path]) -> Waiting:
    """Make an entry, durable when this returns; the same kind and key are entered once.

    Args:
        ledger: the ledger's folder.
        kind: what it is.
        key: of the night.
        body: JSON-able.
        files: source by path in the entry; a folder stands for all files under it.

    Raises:
        SettingsError: the disk does not take it.
    """
    folder = ledger / FOLDER
    there = waiting(ledger)
    same = [entry for entry in there if (entry.kind, entry.key) == (kind, key)]
    if same:
        return same[0]
    number = 1 + max((int(entry.folder.name[:6]) for entry in there), default=0)
    name = f"{number:06d}-{kind}-{key}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_orphans(folder)
        fresh = temporary_beside(folder / name)
        fresh.mkdir()
        for path, source in files.items():
            _copy(source, fresh / path)
        write_json(fresh / _ENTRY, body)
        _make_durable(fresh)
        fresh.rename(folder / name)
        sync_folder(folder)
    except OSError as err:
        raise SettingsError(
            f"the night's {kind} cannot be kept in {folder}: {err}",
            expected="a disk that takes it",
            fix="Make room and run the night again; what is served is untouched.",
        ) from err
    return Waiting(folder / name, kind, key)


def remove(entry: Waiting) -> None:
    """Take out an entry that was delivered."""
    gone = temporary_beside(entry.folder)
    entry.folder.rename(gone)
    sync_folder(gone.parent)
    shutil.rmtree(gone, ignore_errors=True)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, copy_function=shutil.copyfile)
    else:
        shutil.copyfile(source, target)


def _make_durable(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        for name in names:
            with (Path(parent) / name).open("rb+") as file:
                os.fsync(file.fileno())
        sync_folder(Path(parent))
