"""What each listener plays most, shown beside the list."""

from pathlib import Path

import polars as pl
import pyarrow as pa

from pipeline.storage.schemas import FAVOURITES, INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import conform, read_table

N_FAVOURITES = 5


def favourites_of(window: Path, *, n: int = N_FAVOURITES) -> pa.Table:
    """Return FAVOURITES: each listener's n items with the most recency-weighted plays; ties go to the lower item.

    Args:
        window: a folder of interactions.parquet, listeners.parquet and items.parquet.
        n: number of items.

    Raises:
        TableError: a table is missing.
    """
    plays = pl.DataFrame(read_table(window / "interactions.parquet", INTERACTIONS))
    listeners = pl.DataFrame(read_table(window / "listeners.parquet", LISTENER_MAP)).select("listener_id")
    items = pl.DataFrame(read_table(window / "items.parquet", ITEM_MAP)).select("item_id", "item_name")
    best = (
        plays.sort("listener_idx", "weight", "item_idx", descending=[False, True, False])
        .group_by("listener_idx", maintain_order=True)
        .head(n)
        .with_columns(rank=pl.int_range(1, pl.len() + 1, dtype=pl.Int32).over("listener_idx"))
    )
    named = best.join(
        listeners.with_row_index("listener_idx").cast({"listener_idx": pl.Int32}), on="listener_idx"
    ).join(items.with_row_index("item_idx").cast({"item_idx": pl.Int32}), on="item_idx")
    return conform(named.sort("listener_id", "rank").select(FAVOURITES.names).to_arrow(), FAVOURITES)
