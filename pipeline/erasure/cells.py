"""Searches the cells of tables: Parquet, Arrow and SQLite."""

import sqlite3
from collections.abc import Collection
from contextlib import closing, suppress
from pathlib import Path
from typing import IO
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.erasure.sought import Sought


def parquet_holds(file: IO[bytes], sought: Sought) -> bool:
    """Search every cell of a Parquet file; its metadata are plain bytes, but for an Arrow schema in base64."""
    table = pq.ParquetFile(file, pre_buffer=False)
    metadata = [table.schema_arrow.metadata or {}, *(field.metadata or {} for field in table.schema_arrow)]
    if any(sought.in_bytes(key + b"\n" + value) for pairs in metadata for key, value in pairs.items()):
        return True
    # Row groups one by one: a table may be larger than memory.
    groups = (table.read_row_group(i, use_threads=False) for i in range(table.num_row_groups))
    return any(column_holds(column, sought) for group in groups for column in group.columns)


def column_holds(column: pa.ChunkedArray, sought: Sought) -> bool:
    return any(_array_holds(chunk, sought) for chunk in column.chunks)


def _array_holds(array: pa.Array, sought: Sought) -> bool:
    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        return _array_holds(array.storage, sought)
    if pa.types.is_dictionary(kind):
        return _array_holds(array.dictionary, sought)
    if pa.types.is_struct(kind):
        return any(_array_holds(part, sought) for part in array.flatten())
    if pa.types.is_map(kind):
        return _array_holds(array.keys, sought) or _array_holds(array.items, sought)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _array_holds(array.flatten(), sought)
    if pa.types.is_string_view(kind) or pa.types.is_binary_view(kind):
        return _array_holds(array.cast(pa.large_binary()), sought)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_fixed_size_binary)
    if any(is_text(kind) for is_text in (*texts, pa.types.is_binary, pa.types.is_large_binary)):
        return _cells_hold(array.unique().to_pylist(), sought)
    return False


def _cells_hold(cells: Collection[str | bytes | None], sought: Sought) -> bool:
    """Search cells; most columns of names hold a whole token in each, which is a look-up."""
    if not sought.tokens.isdisjoint(cells):
        return True
    others = (each for each in cells if each and not (isinstance(each, str) and len(each) == 32))
    raw = [each if isinstance(each, bytes) else each.encode("utf-8", "surrogatepass") for each in others]
    return sought.in_bytes(b"\n".join(raw))


def database_holds(path: Path, sought: Sought) -> bool:
    """Search the values of a SQLite database: in its bytes, a value that spans pages is interrupted."""
    with (
        suppress(sqlite3.DatabaseError),
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)) as base,
    ):
        for (name,) in base.execute("select name from sqlite_master where type = 'table'").fetchall():
            quoted = name.replace('"', '""')
            for row in base.execute(f'select * from "{quoted}"'):  # noqa: S608  # a name from the database itself
                for value in row:
                    raw = value.encode("utf-8", "replace") if isinstance(value, str) else value
                    if isinstance(raw, bytes) and sought.in_bytes(raw):
                        return True
    return False
