"""From counted plays to the listener-item matrix and its id maps; the same code for training and for serving."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import scipy.sparse as sp

from pipeline.errors import TableError
from pipeline.features.order import follows_of_days, sum_follows
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.order import Follows
from pipeline.recommenders.row_bounds import row_bounds
from pipeline.storage.schemas import FOLLOWS, INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import read_table, write_table

PAIR = ["listener_idx", "item_idx"]


@dataclass(frozen=True)
class InteractionTables:
    """INTERACTIONS with the LISTENER_MAP and the ITEM_MAP that its rows refer to.

    FOLLOWS of the same items are there if the order of plays is kept (`interactions.order`).
    """

    interactions: pa.Table
    listeners: pa.Table
    items: pa.Table
    follows: pa.Table | None = None


def build_interactions(
    daily: pl.DataFrame,
    names: pl.DataFrame,
    *,
    until: dt.date,
    half_life_days: float,
    min_listeners_per_item: int,
    follows: pl.DataFrame | None = None,
) -> InteractionTables:
    """Weight plays by recency: weight = Σ n_plays · 2^(−age / half-life), age in whole days before the last day, and at
    least the smallest normal float32.

    Args:
        daily: columns of DAILY, every day before `until`.
        names: item_id, item_name.
        until: first day after the window.
        half_life_days: time in which the weight of a play halves [d].
        min_listeners_per_item: items with fewer listeners are left out of the catalogue.
        follows: columns of DAILY_FOLLOWS, of the days and listeners of `daily`; None if order is not kept.

    Raises:
        TableError: a day lies after the window: the model would learn from what it is evaluated on.
    """
    for table in (daily, follows):
        last = None if table is None else table["day"].max()
        if isinstance(last, dt.date) and last >= until:
            raise TableError(f"plays of {last}", expected=f"days before {until}", fix="Correct the split: it leaks.")
    listeners = (
        daily.group_by("listener_id").agg(pl.col("n_plays").sum().cast(pl.Int64), first_day=pl.col("day").min())
    ).sort("listener_id")
    heard_by = daily.group_by("item_id").agg(n_listeners=pl.col("listener_id").n_unique().cast(pl.Int32))
    items = (
        heard_by.filter(pl.col("n_listeners") >= min_listeners_per_item)
        .join(names, on="item_id", how="left")
        .sort("item_id")
        .select("item_id", "item_name", "n_listeners")
    )
    indexed = (
        daily.join(listeners.select("listener_id").with_row_index("listener_idx"), on="listener_id", how="inner")
        .join(items.select("item_id").with_row_index("item_idx"), on="item_id", how="inner")
        .select(*PAIR, "n_plays", age=(pl.lit(until) - pl.col("day")).dt.total_days() - 1)
        .sort(*PAIR, "age")
    )
    tables = (_sum_pairs(indexed, half_life_days), listeners.to_arrow(), items.to_arrow())
    if follows is None:
        return InteractionTables(*tables)
    both = pl.concat([follows, follows_of_days(daily)])
    return InteractionTables(*tables, sum_follows(both, tables[2], until=until, half_life_days=half_life_days))


def _sum_pairs(indexed: pl.DataFrame, half_life_days: float) -> pa.Table:
    """Sum rows, sorted by pair and age, to one row per pair. The fixed order makes sums identical to the last bit."""
    pairs = indexed.select(PAIR).to_numpy()
    starts = np.flatnonzero(np.any(np.diff(pairs, axis=0, prepend=-1) != 0, axis=1))
    n_plays, age = indexed["n_plays"].to_numpy(), indexed["age"].to_numpy()
    if not starts.size:
        return INTERACTIONS.empty_table()
    weight = np.add.reduceat(n_plays * np.exp2(-age / half_life_days), starts)
    return pa.table(
        {
            "listener_idx": pairs[starts, 0],
            "item_idx": pairs[starts, 1],
            # A play of many half-lives ago would be 0 in float32, and a stored pair without weight is refused.
            "weight": np.maximum(weight, np.finfo(np.float32).tiny).astype(np.float32),
            "n_plays": np.add.reduceat(n_plays, starts),
            "age_days": age[starts],
        }
    )


def save_interactions(folder: Path, tables: InteractionTables) -> None:
    """Write interactions.parquet, listeners.parquet and items.parquet; follows.parquet if order is kept."""
    write_table(folder / "interactions.parquet", tables.interactions, INTERACTIONS)
    write_table(folder / "listeners.parquet", tables.listeners, LISTENER_MAP)
    write_table(folder / "items.parquet", tables.items, ITEM_MAP)
    (folder / "follows.parquet").unlink(missing_ok=True)
    if tables.follows is not None:
        write_table(folder / "follows.parquet", tables.follows, FOLLOWS)


def load_interactions(folder: Path) -> Interactions:
    """Load the interactions of a folder that `save_interactions` wrote.

    Raises:
        TableError: a table is missing or has other columns.
    """
    rows = read_table(folder / "interactions.parquet", INTERACTIONS)
    shape = (
        read_table(folder / "listeners.parquet", LISTENER_MAP).num_rows,
        read_table(folder / "items.parquet", ITEM_MAP).num_rows,
    )
    listener_idx, item_idx = rows["listener_idx"].to_numpy(), rows["item_idx"].to_numpy()
    indptr = row_bounds(np.bincount(listener_idx, minlength=shape[0]))
    weights = sp.csr_matrix((rows["weight"].to_numpy(), item_idx, indptr), shape=shape)
    return Interactions(weights, rows["age_days"].to_numpy(), order=_load_order(folder / "follows.parquet"))


def _load_order(path: Path) -> Follows | None:
    if not path.is_file():
        return None
    rows = read_table(path, FOLLOWS)
    return Follows(*(rows[name].to_numpy() for name in FOLLOWS.names))
