"""Which plays followed from which impressions.

A play follows from an impression if it names it or, else, if its item was on the list of an impression that the same
listener had within the 24 hours before it; of several such impressions, the latest counts.
"""

import datetime as dt

import polars as pl

WINDOW = dt.timedelta(hours=24)


def attributed(impressions: pl.DataFrame, plays: pl.DataFrame, named: pl.DataFrame) -> pl.DataFrame:
    """Return the plays that followed from impressions.

    Args:
        impressions: impression_id, listener_id, at, items (list of ids).
        plays: listener_id, played_at, item_id.
        named: plays that name their impression: impression_id, listener_id, at, item_id.

    Returns:
        impression_id, listener_id, played_at, item_id and rank (of the item on the list; null for a named play of an
        item that is not on it), sorted by listener_id, played_at, item_id; one row a play.
    """
    shown = (
        impressions.drop_nulls("listener_id")
        .with_columns(rank=pl.int_ranges(1, pl.col("items").list.len() + 1))
        .explode("items", "rank")
        .rename({"items": "item_id"})
        .drop_nulls("item_id")
    )
    by_name = (
        named.rename({"at": "played_at"})
        .join(impressions.select("impression_id", "listener_id"), on=["impression_id", "listener_id"], how="semi")
        .join(shown.select("impression_id", "item_id", "rank"), on=["impression_id", "item_id"], how="left")
        .with_columns(is_named=pl.lit(True))
    )
    by_time = (
        plays.join(shown.select("impression_id", "listener_id", "at", "item_id", "rank"), on=["listener_id", "item_id"])
        .filter((pl.col("played_at") >= pl.col("at")) & (pl.col("played_at") < pl.col("at") + WINDOW))
        .sort("at", "impression_id")
        .unique(["listener_id", "played_at", "item_id"], keep="last", maintain_order=True)
        .with_columns(is_named=pl.lit(False))
    )
    columns = [pl.col("impression_id", "listener_id", "played_at", "item_id"), pl.col("rank").cast(pl.Int64)]
    both = pl.concat([each.select(*columns, pl.col("is_named")) for each in (by_name, by_time)])
    keys = ["listener_id", "played_at", "item_id"]
    # The name that a client gives is better evidence than the clock.
    kept = both.sort(*keys, "is_named", descending=[False, False, False, True]).unique(keys, keep="first")
    return kept.drop("is_named").sort(keys)


def shown_figures(impressions: pl.DataFrame, followed: pl.DataFrame, *, min_listeners: int) -> dict[str, float | None]:
    """Return figures of what was really shown.

    Args:
        impressions: impression_id, listener_id, lane.
        followed: of `attributed`.
        min_listeners: with fewer listeners who were shown their own list, the hit rate is None.

    Returns:
        `impressions`, their number; `shown_listeners`, who were shown their own list; `shown_hit_rate`, the share of
        these who played an item of it afterwards.
    """
    own = impressions.filter(pl.col("lane") == "own")
    n = own["listener_id"].n_unique() if own.height else 0
    hits = followed.join(own.select("impression_id"), on="impression_id", how="semi").drop_nulls("rank")
    rate = hits["listener_id"].n_unique() / n if n >= max(1, min_listeners) else None
    return {"impressions": float(impressions.height), "shown_listeners": float(n), "shown_hit_rate": rate}
