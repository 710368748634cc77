"""What is played after what: pairs within sessions, and pairs of neighbouring days."""

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.recommenders.order import FARTHEST, NEXT_DAY
from pipeline.storage.schemas import FOLLOWS

SESSION_GAP = dt.timedelta(minutes=30)
"""A longer time between the starts of two plays ends a session, as in the statistics of the simulation."""
DAY_ITEMS = 3
"""Items that stand for a day of a listener: those played most."""

_PAIR = ["listener_id", "item_id", "next_id"]


def follows_of_day(plays: pl.DataFrame) -> pl.DataFrame:
    """Count which item followed which within a listener's sessions: columns of DAILY_FOLLOWS, sorted.

    Several plays of an item in a row are one, and an item does not follow itself. Pairs are up to FARTHEST items apart.
    Midnight ends a session, so that a day's pairs depend on its plays alone.

    Args:
        plays: day, played_at, listener_id, item_id of one day, of a listener in the order of playing.

    Examples:
        >>> at = [dt.datetime(2026, 2, 1, 10, minute) for minute in (0, 4, 8, 12, 50)]
        >>> plays = pl.DataFrame({"played_at": at, "item_id": ["a", "a", "b", "c", "d"]})
        >>> plays = plays.with_columns(listener_id=pl.lit("ann"), day=pl.col("played_at").dt.date())
        >>> follows_of_day(plays).select("item_id", "next_id", "distance", "n").rows()
        [('a', 'b', 1, 1), ('a', 'c', 2, 1), ('b', 'c', 1, 1)]
    """
    ordered = plays.sort("listener_id", "played_at", maintain_order=True)
    listener, gap = pl.col("listener_id"), pl.col("played_at").diff()
    opens = listener.ne_missing(listener.shift()) | (gap > SESSION_GAP)
    ordered = ordered.select("day", "listener_id", "item_id", session=opens.cum_sum())
    again = (pl.col("item_id") == pl.col("item_id").shift()) & (pl.col("session") == pl.col("session").shift())
    runs = ordered.filter(~again.fill_null(value=False))
    pairs = [
        runs.with_columns(
            next_id=pl.col("item_id").shift(-apart).over("session"), distance=pl.lit(apart, dtype=pl.Int8)
        ).filter(pl.col("next_id").is_not_null() & (pl.col("next_id") != pl.col("item_id")))
        for apart in range(1, FARTHEST + 1)
    ]
    keys = ["day", *_PAIR, "distance"]
    return pl.concat(pairs).group_by(keys).agg(pl.len().cast(pl.Int32).alias("n")).sort(keys)


def follows_of_days(daily: pl.DataFrame) -> pl.DataFrame:
    """Pair the items that a listener played most on a day with those of the listener's next day, if that is tomorrow.

    Args:
        daily: columns of DAILY.

    Returns:
        Columns of DAILY_FOLLOWS, of distance NEXT_DAY; the day is the later one, so that no pair reaches into a window
        that its day is not in.

    Examples:
        >>> days = [dt.date(2026, 2, day) for day in (1, 2, 4)]
        >>> daily = pl.DataFrame({"day": days, "item_id": ["a", "b", "c"], "n_plays": [1, 1, 1]})
        >>> follows_of_days(daily.with_columns(listener_id=pl.lit("ann"))).select("day", "item_id", "next_id").rows()
        [(datetime.date(2026, 2, 2), 'a', 'b')]
    """
    keys = ["day", "listener_id"]
    ranked = daily.sort(*keys, "n_plays", "item_id", descending=[False, False, True, False])
    most = ranked.group_by(keys, maintain_order=True).head(DAY_ITEMS).select(*keys, "item_id")
    later = most.select("listener_id", pl.col("day").dt.offset_by("-1d").alias("day"), next_id="item_id")
    pairs = most.join(later, on=keys, how="inner").filter(pl.col("item_id") != pl.col("next_id"))
    found = pairs.with_columns(
        pl.col("day").dt.offset_by("1d"), distance=pl.lit(NEXT_DAY, dtype=pl.Int8), n=pl.lit(1, dtype=pl.Int32)
    )
    return found.select("day", *_PAIR, "distance", "n").sort("day", *_PAIR)


def sum_follows(follows: pl.DataFrame, items: pa.Table, *, until: dt.date, half_life_days: float) -> pa.Table:
    """Sum pairs over listeners and days, recent days counting more: FOLLOWS, in the rows of a map of items.

    Args:
        follows: columns of DAILY_FOLLOWS, of days before `until`.
        items: ITEM_MAP; pairs with other items are left out.
        until: first day after the window.
        half_life_days: time in which the weight of a pair halves [d].
    """
    rows = pl.DataFrame(items.select(["item_id"])).with_row_index("row")
    keys = ["item_idx", "next_idx", "distance"]
    counts = (
        follows.group_by("day", "item_id", "next_id", "distance")
        .agg(pl.col("n").sum().cast(pl.Int64))
        .join(rows.rename({"row": "item_idx"}), on="item_id", how="inner")
        .join(rows.select(next_id="item_id", next_idx="row"), on="next_id", how="inner")
        .select(*keys, "n", age=(pl.lit(until) - pl.col("day")).dt.total_days() - 1)
        .sort(*keys, "age")
    )
    if not counts.height:
        return FOLLOWS.empty_table()
    found = counts.select(keys).to_numpy().astype(np.int64)
    starts = np.flatnonzero(np.any(np.diff(found, axis=0, prepend=-1) != 0, axis=1))
    # In a fixed order, as the weights of interactions are: the same sums to the last bit.
    weight = np.add.reduceat(counts["n"].to_numpy() * np.exp2(-counts["age"].to_numpy() / half_life_days), starts)
    columns = (*found[starts].T, np.maximum(weight, np.finfo(np.float32).tiny))
    arrays = [
        pa.array(column.astype(field.type.to_pandas_dtype())) for field, column in zip(FOLLOWS, columns, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=FOLLOWS)
