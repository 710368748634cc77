"""A model and the id maps of its training data, in one folder."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from pipeline.storage.atomic import sync_folder
from pipeline.storage.orphans import temporary_beside
from pipeline.storage.permissions import granted
from pipeline.storage.schemas import ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import read_table

ID_MAPS = ("listeners.parquet", "items.parquet")


class Savable(Protocol):
    """A recommender, which can write itself into a folder."""

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class IdMaps:
    """Row i of `listeners` (LISTENER_MAP) is listener_idx i, row j of `items` (ITEM_MAP) is item_idx j."""

    listeners: pa.Table
    items: pa.Table


def save_model(folder: Path, model: Savable, *, maps_from: Path, items_from: Path | None = None) -> None:
    """Write a model with copies of its id maps, atomically, replacing what is there.

    Args:
        folder: the folder to write.
        model: the recommender.
        maps_from: a folder with the id maps.
        items_from: a folder with the map of items, if it is another than that of the listeners.
    """
    with atomic_folder(folder) as temporary:
        model.save(temporary)
        for name, source in zip(ID_MAPS, (maps_from, items_from or maps_from), strict=True):
            shutil.copyfile(source / name, temporary / name)


def copy_model(folder: Path, *, source: Path) -> None:
    """Copy a model with its id maps, atomically, replacing what is there."""
    with atomic_folder(folder) as temporary:
        shutil.copytree(source, temporary, dirs_exist_ok=True)


def load_id_maps(folder: Path) -> IdMaps:
    """Return the id maps in a folder.

    Raises:
        TableError: one is missing or has other columns.
    """
    listeners, items = (folder / name for name in ID_MAPS)
    return IdMaps(read_table(listeners, LISTENER_MAP), read_table(items, ITEM_MAP))


@contextmanager
def atomic_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder that is synced and renamed to `folder` if the block ends without an error."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f"{temporary_beside(folder).name}."))
    old = temporary.with_name(f"{temporary.name}.old")
    try:
        yield temporary
        for path in sorted(temporary.rglob("*")):
            if path.is_file():
                path.chmod(granted(0o644))
                _sync_file(path)
            else:
                path.chmod(granted(0o755))
                sync_folder(path)
        temporary.chmod(granted(0o755))
        sync_folder(temporary)
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)


def _sync_file(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
