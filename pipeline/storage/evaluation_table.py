"""The table of a recipe's metrics for each fit and listener. Its columns follow from the registry of metrics."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.metrics.listener.registry import listener_metrics
from pipeline.metrics.slices import SLICES
from pipeline.storage.tables import columns_of, read_table

_KEYS = ("seed", "listener_id")
_SLICE_COLUMNS = tuple(f"slice_{name}" for name in SLICES)

EVALUATION = pa.schema(
    [
        pa.field("seed", pa.int32(), nullable=False),
        pa.field("listener_id", pa.string(), nullable=False),
        pa.field("n_relevant", pa.int32(), nullable=False),
        *(pa.field(metric.name, pa.float64(), nullable=False) for metric in listener_metrics()),
        *(pa.field(name, pa.bool_(), nullable=False) for name in _SLICE_COLUMNS),
    ]
)
"""A row for each fit and each listener with something relevant; sorted by seed, listener_id. Undefined is NaN."""


def read_listeners(path: Path) -> pa.ChunkedArray:
    """Return the ids of the listeners that a recipe was evaluated on, in the order of the table.

    Raises:
        TableError: the file is missing, is not Parquet or lacks a column.
    """
    return _first_fit(path, ())["listener_id"]


def read_slices(path: Path) -> dict[str, npt.NDArray[np.bool_]]:
    """Return the slices of those listeners, bool of shape (n_listeners,) for each.

    Raises:
        TableError: the file is missing, is not Parquet or lacks a column.
    """
    first = _first_fit(path, _SLICE_COLUMNS)
    return {name: first[column].to_numpy() for name, column in zip(SLICES, _SLICE_COLUMNS, strict=True)}


def read_metric(path: Path, metric: str, listener_ids: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """Return one metric of every fit and listener, float64 of shape (n_fits, n_listeners).

    Only the columns that it takes are read: a table from before another metric was added can be read.

    Raises:
        TableError: the file is missing, is not Parquet or lacks a column.
        ValueError: it has no fits, or its listeners are not `listener_ids` in each of them.
    """
    table = read_table(path, columns_of(EVALUATION, *_KEYS, metric))
    n = len(listener_ids)
    if not n or not table.num_rows or table.num_rows % n:
        raise ValueError(f"{table.num_rows} rows for {n} listeners")
    n_fits = table.num_rows // n
    seeds = np.repeat(np.arange(n_fits, dtype=np.int32), n)
    wanted = pa.chunked_array(listener_ids.chunks * n_fits, pa.string())
    if not np.array_equal(table["seed"].to_numpy(), seeds) or not table["listener_id"].equals(wanted):
        raise ValueError("other listeners than the popular list's")
    values: npt.NDArray[np.float64] = table[metric].to_numpy().reshape(n_fits, n)
    return values


def _first_fit(path: Path, columns: tuple[str, ...]) -> pa.Table:
    table = read_table(path, columns_of(EVALUATION, *_KEYS, *columns))
    return table.filter(pa.array(table["seed"].to_numpy() == 0))
