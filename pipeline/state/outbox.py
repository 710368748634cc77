"""The outbox: what is to go to MLflow, a row for each entry, and a folder for its files until they are delivered.

The files are copied into a folder beside, made durable and renamed in the transaction that enters the row: a folder
without a row is what a crash left, and the next `put` removes it. An entry is removed after MLflow has it; if a crash
comes between, it is delivered once more and found there.
"""

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pipeline.errors import SettingsError, TableError
from pipeline.state.location import Where, folder_of
from pipeline.state.rows import Rows, entries, transaction
from pipeline.storage.atomic import sync_folder
from pipeline.storage.orphans import temporary_beside

FOLDER = TABLE = "outbox"
Kind = Literal["record", "promote"]


@dataclass(frozen=True)
class Waiting:
    """An entry.

    Attributes:
        folder: folder of its files, with a name that is unique in the outbox.
        kind: a night's record, or the alias that follows it.
        key: of the night; begins with its date.
        content: what `put` was given.
        files: paths in the folder.
        where: the store that it waits in.
    """

    folder: Path
    kind: str
    key: str
    content: Mapping[str, Any] = field(repr=False, compare=False)
    files: tuple[str, ...] = field(repr=False, compare=False)
    where: Where = field(repr=False, compare=False)

    @property
    def as_of(self) -> str:
        return self.key[:10]

    def body(self) -> dict[str, Any]:
        """Return what `put` was given.

        Raises:
            TableError: a file of the entry is missing.
        """
        for path in self.files:
            if not (self.folder / path).exists():
                raise TableError(
                    f"{self.folder / path} is missing",
                    expected="the files of the entry",
                    fix="Restore it from a backup of the ledger's folder.",
                )
        return dict(self.content)

    def n_bytes(self) -> int:
        """Return the size of the entry and all its files."""
        return len(json.dumps(self.content)) + sum(
            path.stat().st_size for path in self.folder.rglob("*") if path.is_file()
        )


def waiting(where: Where) -> tuple[Waiting, ...]:
    """Return all entries, in the order in which they were made."""
    return tuple(_entry(where, row) for row in entries(where, TABLE))


def put(where: Where, kind: Kind, key: str, body: Mapping[str, Any], files: Mapping[str, Path]) -> Waiting:
    """Make an entry, durable when this returns; the same kind and key are entered once.

    Args:
        where: the store.
        kind: what it is.
        key: of the night.
        body: JSON-able.
        files: source by path in the entry; a folder stands for all files under it.

    Raises:
        SettingsError: the disk does not take it.
    """
    folder = folder_of(where) / FOLDER
    same = [entry for entry in waiting(where) if (entry.kind, entry.key) == (kind, key)]
    if same:
        return same[0]
    fresh = temporary_beside(folder / uuid.uuid4().hex)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _locked(folder):
            fresh.mkdir()
            for path, source in files.items():
                _copy(source, fresh / path)
            _make_durable(fresh)
            with transaction(where) as state:
                return _enter(state, where, fresh, _row(kind, key, body, files))
    except OSError as err:
        raise SettingsError(
            f"the night's {kind} cannot be kept in {folder}: {err}",
            expected="a disk that takes it",
            fix="Make room and run the night again; what is served is untouched.",
        ) from err
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def remove(entry: Waiting) -> None:
    """Take out an entry that was delivered."""
    with transaction(entry.where) as state:
        state.remove(TABLE, folder=entry.folder.name)
    shutil.rmtree(entry.folder, ignore_errors=True)


def _row(kind: str, key: str, body: Mapping[str, Any], files: Mapping[str, Path]) -> dict[str, Any]:
    return {"kind": kind, "key": key, "content": dict(body), "files": sorted(files)}


def _entry(where: Where, row: Mapping[str, Any]) -> Waiting:
    folder = folder_of(where) / FOLDER / row["folder"]
    return Waiting(folder, row["kind"], row["key"], row["content"], tuple(row["files"]), where)


def _enter(state: Rows, where: Where, fresh: Path, row: dict[str, Any]) -> Waiting:
    there = state.entries(TABLE)
    for each in there:
        if (each["kind"], each["key"]) == (row["kind"], row["key"]):
            return _entry(where, each)
    _sweep(fresh.parent, keep={fresh.name, *(each["folder"] for each in there)})
    number = 1 + max((int(each["folder"][:6]) for each in there), default=0)
    row["folder"] = f"{number:06d}-{row['kind']}-{row['key']}"
    state.append(TABLE, row)
    fresh.rename(fresh.with_name(row["folder"]))
    sync_folder(fresh.parent)
    return _entry(where, row)


def _sweep(folder: Path, *, keep: set[str]) -> None:
    """Remove the folders of entries that were delivered, or never entered. The caller holds the folder's lock."""
    for path in folder.iterdir():
        if path.is_dir() and path.name not in keep:
            shutil.rmtree(path)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process build an entry at a time; the kernel releases the lock when the process ends."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


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
