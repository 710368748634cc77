"""Changes listeners' names in Parquet files: removes rows or, in id maps, whose rows must stay, their names."""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.recommenders.storage import forget_rows
from pipeline.storage.atomic import atomic_path
from pipeline.storage.schemas import LISTENER_MAP

Rename = Callable[[pl.Series], pl.Series]
"""Names → new names of the same length; null for a listener whose rows are removed."""
_COLUMN = "listener_id"
_MARK = b"netgain.id_key"


def without(tokens: Collection[str]) -> Rename:
    """Return the change that removes some listeners."""
    gone = pl.Series(sorted(tokens), dtype=pl.String)
    return lambda names: names.set(names.is_in(gone.implode()), None)


def change_names(path: Path, rename: Rename, *, id_key: str | None = None) -> int:
    """Rewrite a Parquet file with other names, and return the number of rows that changed or went.

    Files without a column `listener_id` are skipped. A removed listener's row in a model's id map stays in place, so
    that the arrays beside it stay aligned, but loses name, plays and day; the listener's rows in those arrays are
    zeroed.

    Args:
        path: the file.
        rename: the change.
        id_key: the fingerprint of the key of the new names. The file is marked with it, so that a change that was
            interrupted passes over it when it is made again.
    """
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):
        return 0
    mark = id_key.encode() if id_key else None
    if _COLUMN not in schema.names or (mark is not None and (schema.metadata or {}).get(_MARK) == mark):
        return 0
    table = pq.read_table(path, partitioning=None)
    before = pl.Series(table[_COLUMN], dtype=pl.String)
    after = rename(before)
    changed = before.ne_missing(after)
    if not changed.any():
        return 0
    gone = after.is_null()
    if schema.names == LISTENER_MAP.names:
        if gone.any():
            forget_rows(path.parent, gone.arg_true().to_list())
        table = _map_with(table, after)
    else:
        at = schema.names.index(_COLUMN)
        table = table.set_column(at, schema.field(_COLUMN), after.to_arrow().cast(schema.field(_COLUMN).type))
        table = table.filter(pa.array((~gone).to_list()))
    table = table.replace_schema_metadata({_MARK: mark} if mark else None)
    with atomic_path(path, like=path.stat()) as temporary:
        pq.write_table(table, temporary, compression="zstd", store_schema=mark is not None)  # Arrow's holds the mark
    return int(changed.sum())


def change_below(folders: Iterable[Path], rename: Rename, *, id_key: str | None = None) -> dict[Path, int]:
    """Change every Parquet file below some folders; return the number of changed rows by file."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.parquet")) if folder.is_dir() else ():
            if path.is_file() and (n_rows := change_names(path, rename, id_key=id_key)):
                found[path] = n_rows
    return found


def overwrite_cells(path: Path, text: str, is_sought: Callable[[bytes], bool]) -> None:
    """Rewrite a Parquet file with another text in place of the cells of texts that contain something sought."""
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException):
        return
    found = False
    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = pl.Series(table[field.name], dtype=pl.String)
            cells = [each for each in column.unique() if each is not None and is_sought(each.encode())]
            if cells:
                changed = column.set(column.is_in(pl.Series(cells).implode()), text)
                table, found = table.set_column(at, field, changed.to_arrow().cast(field.type)), True
    if found:
        with atomic_path(path, like=path.stat()) as temporary:
            pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd", store_schema=False)


def _map_with(table: pa.Table, names: pl.Series) -> pa.Table:
    gone, number = names.is_null(), names.is_null().cum_sum()
    frame = pl.DataFrame(table).with_columns(
        listener_id=pl.when(gone).then(pl.format("erased listener {}", number)).otherwise(names),
        n_plays=pl.when(gone).then(0).otherwise(pl.col("n_plays")),
        first_day=pl.when(gone).then(pl.col("first_day").min()).otherwise(pl.col("first_day")),
    )
    return frame.to_arrow().cast(LISTENER_MAP)
