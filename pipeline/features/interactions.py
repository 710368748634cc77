"""From counted plays to the listener-item matrix and its id maps; the same code for training and for serving."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import scipy.sparse as sp

from pipeline.errors import TableError
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.row_bounds import row_bounds
from pipeline.storage.schemas import INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import read_table, write_table

PAIR = ["listener_idx", "item_idx"]


@dataclass(frozen=True)
class InteractionTables:
    """INTERACTIONS with the LISTENER_MAP and the ITEM_MAP that its rows refer to."""

    interactions: pa.Table
    listeners: pa.Table
    items: pa.Table


def build_interactions(
    daily: pl.DataFrame, names: pl.DataFrame, *, until: dt.date, half_life_days: float, min_listeners_per_item: int
) -> InteractionTables:
    """Weight plays by recency: weight = Σ n_plays · 2^(−age / half-life), age in whole days before the last day, and at
    least the smallest normal float32.

    Args:
        daily: columns of DAILY, every day before `until`.
        names: item_id, item_name.
        until: first day after the window.
        half_life_days: time in which the weight of a play halves [d].
        min_listeners_per_item: items with fewer listeners are left out of the catalogue.

    Raises:
        TableError: a day lies after the window: the model would learn from what it is evaluated on.
    """
    last = daily["day"].max()
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
    return InteractionTables(_sum_pairs(indexed, half_life_days), listeners.to_arrow(), items.to_arrow())


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
    """Write interactions.parquet, listeners.parquet and items.parquet."""
    write_table(folder / "interactions.parquet", tables.interactions, INTERACTIONS)
    write_table(folder / "listeners.parquet", tables.listeners, LISTENER_MAP)
    write_table(folder / "items.parquet", tables.items, ITEM_MAP)


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
    return Interactions(weights, rows["age_days"].to_numpy())
