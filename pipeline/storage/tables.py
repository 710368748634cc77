"""Typed Parquet tables, written atomically: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import TableError
from pipeline.storage.orphans import temporary_beside

if TYPE_CHECKING:
    import polars as pl

TIMESTAMP = pa.timestamp("us", tz="UTC")

PLAYS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),  # the token, as in every other table
        pa.field("played_at", TIMESTAMP, nullable=False),
        pa.field("artist_id", pa.string(), nullable=False),
        pa.field("track_id", pa.string(), nullable=False),
        pa.field("artist_name", pa.string(), nullable=False),
        pa.field("track_name", pa.string(), nullable=False),
        pa.field("ms_played", pa.int64()),  # null where the source does not say
        pa.field("source", pa.string(), nullable=False),  # the format it was read from
        pa.field("file", pa.string(), nullable=False),  # path of the landed file, relative to the landing root
        pa.field("row", pa.int64(), nullable=False),  # 0-based row (line, array element) in that file
    ]
)
"""One row a play; files `day=YYYY-MM-DD/part-NNN.parquet`, one part a listener bucket, sorted by listener_id,
played_at, artist_id, track_id, file, row."""

QUARANTINE = pa.schema(
    [
        pa.field("file", pa.string(), nullable=False),
        pa.field("row", pa.int64(), nullable=False),  # -1 where the file as a whole could not be read
        pa.field("reason", pa.string(), nullable=False),
        pa.field("raw", pa.binary()),  # the first bytes of the row as found
    ]
)

QUARANTINED = pa.schema([field for field in QUARANTINE if field.name != "raw"])
"""What is stored of the quarantine: no bytes, because a row may hold any name."""

EXCLUDED_LISTENERS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("first_day", pa.date32(), nullable=False),  # first day on which the reason was seen
        pa.field("days", pa.int32(), nullable=False),  # on which it was seen
        pa.field("plays", pa.int64(), nullable=False),  # on those days
    ]
)
"""Listeners who cannot be people, one row each, sorted by listener_id. None of their plays count, on any day."""

DAILY = pa.schema(
    [
        pa.field("day", pa.date32(), nullable=False),
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),  # counted plays (long enough)
        pa.field("ms_played", pa.int64(), nullable=False),
    ]
)
"""Counted plays by day, listener and item; sorted by day, listener_id, item_id."""

ITEMS = pa.schema(
    [pa.field("item_id", pa.string(), nullable=False), pa.field("item_name", pa.string(), nullable=False)]
)
"""Names of items, one row an item, sorted by item_id."""

INTERACTIONS = pa.schema(
    [
        pa.field("listener_idx", pa.int32(), nullable=False),
        pa.field("item_idx", pa.int32(), nullable=False),
        pa.field("weight", pa.float32(), nullable=False),  # Σ plays · 2^(−age / half-life)
        pa.field("n_plays", pa.int32(), nullable=False),
        pa.field("age_days", pa.int32(), nullable=False),  # whole days from the last play to the window's end, ≥ 0
    ]
)
"""Sorted by listener_idx, item_idx; indexes are rows of the id maps beside it."""

LISTENER_MAP = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int64(), nullable=False),
        pa.field("first_day", pa.date32(), nullable=False),  # first counted play in the history
    ]
)
"""Row i is listener_idx i; sorted by listener_id."""

ITEM_MAP = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("n_listeners", pa.int32(), nullable=False),
    ]
)
"""Row j is item_idx j; sorted by item_id."""

RELEVANT = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),
    ]
)
"""What each listener played in the decision or the tuning window (with `target: new`, what was new to them); sorted by
both ids."""

RECOMMENDATIONS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("item_ids", pa.list_(pa.string()), nullable=False),
    ]
)
"""The lists of a recipe's first fit for each eligible listener, best items first; sorted by listener_id."""

INFLUENCE = pa.schema(
    [
        pa.field("challenger", pa.string(), nullable=False),
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("influence", pa.float64(), nullable=False),
    ]
)
"""Each listener's influence on a challenger's gain (pipeline.gate.pooling), of one look or summed over several; sorted
by challenger, listener_id."""

LISTS = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),  # from 1
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("score", pa.float32(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
    ]
)
"""Sorted by listener_id, rank."""

FALLBACK = pa.schema(
    [
        pa.field(n, t, nullable=False)
        for n, t in (
            ("rank", pa.int32()),
            ("item_id", pa.string()),
            ("item_name", pa.string()),
            ("score", pa.float32()),
            ("reason", pa.string()),
        )
    ]
)
"""The list for listeners without history, sorted by rank."""


@contextmanager
def atomic_path(path: Path, *, mode: int = 0o644) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path`, after fsync, if the block ends without an error.

    No other process uses the temporary file. The final file has the permissions `mode`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{temporary_beside(path).name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(mode)
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_table(path: Path, table: pa.Table, schema: pa.Schema) -> None:
    """Write a table atomically, with exactly the columns of `schema`. The same rows give the same bytes.

    Raises:
        TableError: a column is missing, of another type, or null where it must not be.
    """
    with atomic_path(path) as temporary:
        pq.write_table(conform(table, schema), temporary, compression="zstd", **parquet_options(schema))


def parquet_options(schema: pa.Schema) -> dict[str, Any]:
    """Return the options for writing a table as Parquet.

    Integers and times are delta-encoded, which is smaller and faster than the default dictionary encoding.
    """
    differences = [field.name for field in schema if _is_whole(field.type)]
    return {
        "store_schema": False,
        "use_dictionary": [
            f"{field.name}.list.element" if pa.types.is_list(field.type) else field.name
            for field in schema
            if field.name not in differences
        ],
        "column_encoding": dict.fromkeys(differences, "DELTA_BINARY_PACKED"),
    }


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_timestamp(kind) or pa.types.is_date32(kind))


def columns_of(schema: pa.Schema, *names: str) -> pa.Schema:
    """Return the schema of some columns, in the order of `names`.

    Raises:
        KeyError: the schema has no such column.
    """
    return pa.schema([schema.field(name) for name in names])


def conform(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return the columns of `schema`, in its order and types, in one chunk each.

    Raises:
        TableError: a column is missing, does not cast, or is null where it must not be.
    """
    missing = [name for name in schema.names if name not in table.column_names]
    if missing:
        raise TableError(
            f"a table without the columns {missing}", expected=f"{schema.names}", fix="Correct the stage that made it."
        )
    try:
        cast = table.select(schema.names).cast(schema).combine_chunks()
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, ValueError) as err:
        raise TableError(f"a table that does not cast: {err}", expected=str(schema), fix="Correct the stage.") from err
    for field in schema:
        if not field.nullable and cast[field.name].null_count:
            raise TableError(
                f"{cast[field.name].null_count} nulls in {field.name}", expected="none", fix="Correct the stage."
            )
    return cast


def read_table(path: Path, schema: pa.Schema) -> pa.Table:
    """Read a Parquet file, or all files of a folder in the order of their names, with the columns of `schema`.

    Other columns are not read: a table that has more of them, or lacks those that are not asked for, can be read.

    Raises:
        TableError: there is no file, it is not Parquet, or a column of `schema` is missing or does not cast.
    """
    files = sorted(path.rglob("*.parquet")) if path.is_dir() else [path]
    try:
        tables = [conform(_columns_of(file, schema.names), schema) for file in files]
    except (FileNotFoundError, pa.ArrowInvalid) as err:
        raise TableError(
            f"{path} cannot be read: {err}", expected="Parquet", fix="Run the stage that makes it."
        ) from err
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def _columns_of(file: Path, wanted: Sequence[str]) -> pa.Table:
    """Read those of the wanted columns that the file has; `conform` names the others better than Arrow would."""
    present = set(pq.read_schema(file).names)
    # partitioning=None: day=… folders repeat a column that the file holds itself.
    return pq.read_table(file, columns=[name for name in wanted if name in present], partitioning=None)


def read_columns(folder: Path, columns: Sequence[str]) -> pl.DataFrame:
    """Return some columns of all Parquet files of a folder. Polars reads them in half of Arrow's time.

    Raises:
        TableError: the folder has no Parquet file, a file cannot be read, or a column is missing.
    """
    import polars as pl

    try:
        return pl.read_parquet(folder / "*.parquet", columns=list(columns), hive_partitioning=False)
    except (OSError, pl.exceptions.PolarsError) as err:
        raise TableError(
            f"{folder} cannot be read: {err}", expected="Parquet", fix="Run the stage that makes it."
        ) from err


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically: sorted keys, two spaces, no NaN or Infinity (they are no JSON)."""
    write_text(path, json_text(value))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def json_text(value: Any) -> str:
    """Return the text that `write_json` writes."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        TableError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError) as err:
        raise TableError(f"{path} cannot be read: {err}", expected="JSON", fix="Run the stage that makes it.") from err
