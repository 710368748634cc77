"""The table of a recipe's NDCG by listener and day; a hit counts on the day on which the listener first played it."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from pipeline.storage.tables import read_table, write_table

DAILY_CREDIT = pa.schema(
    [
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("day", pa.date32(), nullable=False),
        pa.field("ndcg", pa.float64(), nullable=False),  # > 0; a listener's days add up to their NDCG
    ]
)
"""Means over fits; sorted by listener_id, day. What is not there is 0."""


def write_daily(path: Path, listener_ids: pa.ChunkedArray, days: Sequence[dt.date], values: sp.csr_matrix) -> None:
    """Write the table of a recipe.

    Args:
        path: the file.
        listener_ids: sorted.
        days: sorted.
        values: float64 of shape (n_listeners, n_days).
    """
    found = sp.csr_matrix(values)
    found.sum_duplicates()
    found.eliminate_zeros()
    rows = np.repeat(np.arange(found.shape[0]), np.diff(found.indptr))
    columns = {
        "listener_id": listener_ids.take(pa.array(rows)),
        "day": pa.array(days, pa.date32()).take(pa.array(found.indices)),
        "ndcg": found.data,
    }
    write_table(path, pa.table(columns), DAILY_CREDIT)


def read_daily(
    path: Path, listener_ids: pa.ChunkedArray, *, days: Sequence[dt.date] | None = None
) -> tuple[tuple[dt.date, ...], sp.csr_matrix]:
    """Return the days of a recipe's table and its NDCG on them.

    Args:
        path: the file.
        listener_ids: the listeners, in the order of the result's rows; those without a hit have an empty row.
        days: the columns of the result, such as those of the whole decision window; None for the days of the table.

    Returns:
        The days, and float64 of shape (n_listeners, n_days).

    Raises:
        TableError: the file is missing, is not Parquet or lacks a column.
        ValueError: a listener of the table is not among `listener_ids`, or a day is not among `days`.
    """
    table = read_table(path, DAILY_CREDIT)
    columns = pa.array(sorted(set(table["day"].to_pylist())) if days is None else days, pa.date32())
    row = pc.index_in(table["listener_id"], value_set=listener_ids.combine_chunks())
    column = pc.index_in(table["day"], value_set=columns)
    if row.null_count:
        raise ValueError(f"{row.null_count} rows of listeners who were not evaluated")
    if column.null_count:
        raise ValueError(f"{column.null_count} rows of days outside the decision window")
    places = (row.to_numpy(), column.to_numpy())
    shape = (len(listener_ids), len(columns))
    return tuple(columns.to_pylist()), sp.csr_matrix((table["ndcg"].to_numpy(), places), shape=shape)
