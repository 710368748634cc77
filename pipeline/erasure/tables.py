"""Removes erased listeners from Parquet files: their rows or, in id maps, whose rows must stay, their ids."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.pseudonyms import Erased
from pipeline.recommenders.storage import forget_rows
from pipeline.storage.atomic import atomic_path
from pipeline.storage.schemas import LISTENER_MAP

_COLUMN = "listener_id"


def purge_table(path: Path, erased: Erased) -> int:
    """Rewrite a Parquet file without the erased, and return the number of their rows. Files without a column
    `listener_id` are skipped.

    A listener's row in a model's id map stays in place, so that the arrays beside it stay aligned, but loses id, plays
    and day; the listener's rows in those arrays are zeroed.
    """
    try:
        if _COLUMN not in pq.read_schema(path).names:
            return 0
    except (OSError, pa.ArrowInvalid):
        return 0
    table = pq.read_table(path, partitioning=None)
    names = pl.Series(table[_COLUMN])
    theirs = names.is_in(list(erased.among(names.unique())))
    if not theirs.any():
        return 0
    if table.schema.names == LISTENER_MAP.names:
        forget_rows(path.parent, theirs.arg_true().to_list())
        kept = _nameless(table, theirs)
    else:
        kept = table.filter(pa.array((~theirs).to_list()))
    with atomic_path(path) as temporary:
        pq.write_table(kept, temporary, compression="zstd", store_schema=False)
    return int(theirs.sum())


def purge_below(folders: Iterable[Path], erased: Erased) -> dict[str, int]:
    """Rewrite every Parquet file below some folders; return the number of removed rows by file."""
    found = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.parquet")) if folder.is_dir() else ():
            if n_rows := purge_table(path, erased):
                found[path.as_posix()] = n_rows
    return found


def _nameless(table: pa.Table, theirs: pl.Series) -> pa.Table:
    number = theirs.cum_sum()
    frame = pl.DataFrame(table).with_columns(
        listener_id=pl.when(theirs).then(pl.format("erased listener {}", number)).otherwise(pl.col(_COLUMN)),
        n_plays=pl.when(theirs).then(0).otherwise(pl.col("n_plays")),
        first_day=pl.when(theirs).then(pl.col("first_day").min()).otherwise(pl.col("first_day")),
    )
    return frame.to_arrow().cast(LISTENER_MAP)
