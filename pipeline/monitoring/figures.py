"""Metrics of served lists against the plays that followed; counts and shares only, no listener data."""

import datetime as dt

import polars as pl

Figures = dict[str, float | None]


def serving_figures(plays: pl.DataFrame, lists: pl.DataFrame, fallback: pl.DataFrame, *, min_listeners: int) -> Figures:
    """Return how well the lists of a release matched the plays that followed.

    A play counts as a hit if its item was on the list, whether or not the listener started it from there: the metrics
    measure prediction, not effect.

    Args:
        plays: DAILY, of the days on which the lists were served.
        lists: LISTS of the release.
        fallback: FALLBACK of the release, which listeners without a list of their own were served.
        min_listeners: with fewer active listeners, shares are None.

    Returns:
        `hit_rate`, the share of active listeners with a list of their own who played an item on it; `play_share`, the
        share of plays whose item was on the served list, personal or fallback; `coverage`, the share of active
        listeners with a list of their own; `n_active`, the number of active listeners.
    """
    active = plays.select("listener_id").unique()
    own = active.join(lists.select("listener_id").unique(), on="listener_id", how="semi")
    hits = plays.join(lists.select("listener_id", "item_id"), on=["listener_id", "item_id"], how="semi")
    unknown = plays.join(own, on="listener_id", how="anti").join(fallback.select("item_id"), on="item_id", how="semi")
    enough = active.height >= max(1, min_listeners)
    n_plays, n_foreseen = _plays(plays), _plays(hits) + _plays(unknown)
    return {
        "n_active": float(active.height),
        "hit_rate": hits["listener_id"].n_unique() / own.height if enough and own.height else None,
        "play_share": n_foreseen / n_plays if enough and n_plays else None,
        "coverage": own.height / active.height if enough else None,
    }


def new_item_share(daily: pl.DataFrame, *, since: dt.date) -> float | None:
    """Return the share of the items played since a day that were never played before it; None if either set is empty.

    Args:
        daily: DAILY, all days that the night may see.
        since: the first day of the recent period.
    """
    known = daily.filter(pl.col("day") < since).select("item_id").unique()
    now = daily.filter(pl.col("day") >= since).select("item_id").unique()
    if not known.height or not now.height:
        return None
    return now.join(known, on="item_id", how="anti").height / now.height


def _plays(rows: pl.DataFrame) -> int:
    return int(rows["n_plays"].sum())
