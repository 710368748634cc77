"""Parquet tables with a given schema, written atomically."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.errors import TableError
from pipeline.storage.atomic import atomic_path

if TYPE_CHECKING:
    import polars as pl


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
        tables = [conform(_read_columns_of(file, schema.names), schema) for file in files]
    except (FileNotFoundError, pa.ArrowInvalid) as err:
        raise TableError(
            f"{path} cannot be read: {err}", expected="Parquet", fix="Run the stage that makes it."
        ) from err
    return pa.concat_tables(tables).combine_chunks() if tables else schema.empty_table()


def _read_columns_of(path: Path, wanted: Sequence[str]) -> pa.Table:
    """Read those of the wanted columns that the file has; `conform` names the others better than Arrow would."""
    with pq.ParquetFile(path) as file:
        present = set(file.schema_arrow.names)
        return file.read(columns=[name for name in wanted if name in present])


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
