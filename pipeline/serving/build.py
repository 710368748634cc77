"""Writes the serving index: for each listener, the bytes of the answer."""

import json
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import ReleaseError, TableError
from pipeline.releases.lookup import share_of
from pipeline.serving.arms import Arms
from pipeline.serving.layout import HEADER, MAGIC, MAGIC_WITH_ARMS, MAX_RECORD_BYTES, NO_KEY, key_of, pack, place_of
from pipeline.storage.atomic import atomic_path
from pipeline.storage.schemas import FALLBACK, FAVOURITES, LISTS
from pipeline.storage.tables import conform, read_table

_BATCH = 262_144
"""Rows of lists in memory at once."""

Row = tuple[Any, ...]


def write_index(path: Path, *, lists: Path, fallback: Path, favourites: Path | None, arms: Arms | None = None) -> int:
    """Write the index of a release; the same lists give the same bytes.

    Args:
        path: the file to write.
        lists: LISTS.
        fallback: FALLBACK.
        favourites: FAVOURITES; None if the release has none.
        arms: of the release's experiments; None if it has none.

    Returns:
        The number of listeners with a list.

    Raises:
        TableError: a table cannot be read.
        ReleaseError: two listeners have the same digest, which happens in one of 37 million releases of a million.
    """
    popular = read_table(fallback, FALLBACK).sort_by("rank").select(["item_id", "item_name", "score", "reason"])
    common = _record(NO_KEY, list(zip(*popular.to_pydict().values(), strict=True)), [])
    records = _records(lists, favourites, arms)
    return write_records(path, common, records, magic=MAGIC if arms is None else MAGIC_WITH_ARMS)


def write_records(path: Path, fallback: bytes, records: Iterable[tuple[int, bytes]], *, magic: bytes = MAGIC) -> int:
    """Write an index of records.

    Args:
        path: the file to write.
        fallback: the record of the fallback list.
        records: each listener's key and record.
        magic: MAGIC, or MAGIC_WITH_ARMS if a record may have an arm.

    Returns:
        The number of listeners.

    Raises:
        TableError: a record is too long.
        ReleaseError: two listeners have the same key.
    """
    keys, places = [], []
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        start = HEADER.size
        file.write(bytes(start))
        fallback_at = _place(start, fallback)
        start += file.write(fallback)
        for key, record in records:
            keys.append(key)
            places.append(_place(start, record))
            start += file.write(record)
        keys_at = start + file.write(bytes(-start % 8))
        order = np.argsort(np.array(keys, dtype="<u8"), kind="stable")
        sorted_keys = np.array(keys, dtype="<u8")[order]
        if (sorted_keys[1:] == sorted_keys[:-1]).any():
            raise ReleaseError("two listeners of one digest", expected="distinct ones", fix="Rename one of them.")
        places_at = keys_at + 8 * len(keys)
        file.write(sorted_keys.tobytes() + np.array(places, dtype="<u8")[order].tobytes())
        file.seek(0)
        file.write(HEADER.pack(magic, len(keys), fallback_at, keys_at, places_at, places_at + 8 * len(keys)))
    return len(keys)


def _records(lists: Path, favourites: Path | None, arms: Arms | None) -> Iterator[tuple[int, bytes]]:
    own = _groups(favourites, FAVOURITES) if favourites is not None else iter(())
    waiting = next(own, None)
    for name, rows in _groups(lists, LISTS):
        while waiting is not None and waiting[0] < name:
            waiting = next(own, None)
        plays = waiting[1] if waiting is not None and waiting[0] == name else []
        key = key_of(name)
        yield key, _record(key, rows, plays, (0, b"") if arms is None else arms.of(name))


def _place(start: int, record: bytes) -> int:
    try:
        return place_of(start, len(record))
    except ValueError as err:
        raise TableError(
            f"a list of {len(record)} bytes", expected=f"at most {MAX_RECORD_BYTES}", fix="Lower lists.n_items."
        ) from err


def _groups(path: Path, schema: pa.Schema) -> Iterator[tuple[str, list[Row]]]:
    """Yield each listener with the rest of the columns of the listener's rows, in the file's order."""
    for name, rows in groupby(_rows(path, schema), key=itemgetter(0)):
        yield name, [row[2:] for row in rows]


def _rows(path: Path, schema: pa.Schema) -> Iterator[Row]:
    """Yield the rows of a table, whose first columns are listener and rank, in batches of bounded memory."""
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH, columns=schema.names):
                columns = conform(pa.Table.from_batches([batch]), schema).to_pydict().values()
                yield from zip(*columns, strict=True)
    except (OSError, pa.ArrowInvalid) as err:
        raise TableError(f"{path} cannot be read: {err}", expected="Parquet", fix="Run the night again.") from err


def _record(
    key: int, rows: Sequence[Row], favourites: Sequence[Row], arm_and_team: tuple[int, bytes] = (0, b"")
) -> bytes:
    """Return the record of a list.

    Args:
        key: of the listener.
        rows: item_id, item_name, score and reason of each item, best first.
        favourites: item_id, item_name and plays of what the listener plays most.
        arm_and_team: number of the listener's arm and teams of the items, see `Arms.of`.
    """
    best = rows[0][2] if rows else 0.0
    items = [
        f'{{"rank":{rank},"item_id":{_text(item)},"item_name":{_text(name)},'
        f'"share":{_number(share_of(score, best))},"reason":{_text(why)}}}'
        for rank, (item, name, score, why) in enumerate(rows, start=1)
    ]
    plays = [f'{{"item_id":{_text(item)},"item_name":{_text(name)},"plays":{n}}}' for item, name, n in favourites]
    ids = [_text(row[0]) for row in rows]
    packed = ([text.encode() for text in texts] for texts in (items, ids, plays))
    return pack(key, *packed, arm=arm_and_team[0], team=arm_and_team[1])


@lru_cache(maxsize=1 << 18)
def _text(value: str) -> str:
    """Return a text as JSON. Items and reasons repeat from list to list, so nearly all are found in the cache."""
    return json.dumps(value, ensure_ascii=False)


def _number(value: float | None) -> str:
    return "null" if value is None else repr(value)
