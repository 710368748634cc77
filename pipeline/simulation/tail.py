"""Measure the long tail of artists, overlap between listeners, new artists and what is played next."""

from typing import Any

import numpy as np
import polars as pl

Figures = dict[str, Any]

_PERCENTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_BANDS = {"1": (1, 1), "2": (2, 2), "3-5": (3, 5), "6-10": (6, 10), "11-30": (11, 30), ">30": (31, 10**9)}
_SAMPLES, _SAMPLE_SIZES = 5, (10, 25, 50, 100)
_COUNTED_MS, _SETTLED_DAYS, _TOP = 30_000, 60, 10
_SESSION_GAP_SECONDS = 1800
_HELD_OUT = 0.2


def tail_statistics(plays: pl.DataFrame) -> Figures:
    """Return every figure of tail.json, by name.

    Args:
        plays: listener_id, played_at (a timestamp in UTC), artist_id, ms_played. Plays under 30 s and exact
            duplicates do not count. Ids are integers or text.

    Returns:
        Shares in [0, 1], numbers of artists, or percentiles p5 to p95 over pairs of listeners or listener-weeks.
    """
    counted = plays.filter(pl.col("ms_played") >= _COUNTED_MS).select("listener_id", "played_at", "artist_id").unique()
    counted = counted.sort("listener_id", "played_at", "artist_id").with_columns(
        pl.col("listener_id", "artist_id").rank("dense").cast(pl.UInt32) - 1
    )
    size = {"events": plays.height, "listeners": counted["listener_id"].n_unique()}
    return {**size, **_breadth(counted), **_overlap(counted), **_weeks(counted), **_next(counted)}


def _breadth(plays: pl.DataFrame) -> Figures:
    artists = plays.group_by("artist_id").agg(plays=pl.len(), listeners=pl.col("listener_id").n_unique())
    top = artists["plays"].sort(descending=True).head(-(-artists.height // 100)).sum()
    bands = {name: artists.filter(pl.col("listeners").is_between(*ends)) for name, ends in _BANDS.items()}
    return {
        "artists_by_number_of_listeners_share": {name: band.height / artists.height for name, band in bands.items()},
        "plays_by_number_of_listeners_of_artist_share": {
            name: band["plays"].sum() / plays.height for name, band in bands.items()
        },
        "plays_share_of_top_1_percent_artists": top / plays.height,
    }


def _overlap(plays: pl.DataFrame) -> Figures:
    pairs = plays.select("listener_id", "artist_id").unique()
    n_listeners, n_artists = (int(pairs[name].n_unique()) for name in ("listener_id", "artist_id"))
    heard = np.zeros((n_listeners, n_artists), dtype=np.float32)
    heard[pairs["listener_id"].to_numpy(), pairs["artist_id"].to_numpy()] = 1
    common, own = heard @ heard.T, heard.sum(axis=1)
    jaccard = (common / (own[:, None] + own[None, :] - common))[np.triu_indices(n_listeners, k=1)]
    rng = np.random.default_rng(0)
    artists, alone = {}, {}
    for size in (*_SAMPLE_SIZES, n_listeners):
        if size > n_listeners:
            continue
        by = [heard[rng.choice(n_listeners, size, replace=False)].sum(axis=0) for _ in range(_SAMPLES)]
        artists[str(size)] = float(np.mean([(n > 0).sum() for n in by]))
        alone[str(size)] = float(np.mean([(n == 1).sum() / (n > 0).sum() for n in by]))
    return {
        "artists_by_sample_of_listeners": artists,
        "heard_by_one_share_by_sample_of_listeners": alone,
        "jaccard_of_artists_between_two_listeners": _percentiles(pl.Series(jaccard)),
    }


def _weeks(plays: pl.DataFrame) -> Figures:
    """Return what a week brings, in weeks counted from a listener's first play; the last one is not whole."""
    since = (pl.col("played_at") - pl.col("played_at").min().over("listener_id")).dt.total_days()
    aged = plays.with_columns(age=since).with_columns(
        week=pl.col("age") // 7,
        first=pl.col("age").min().over("listener_id", "artist_id"),
        n=pl.len().over("listener_id", "artist_id"),
        listeners=pl.col("listener_id").n_unique().over("artist_id"),
        last=pl.col("age").max().over("listener_id") // 7,
    )
    # New: heard for the first time. What was heard in the first weeks was mostly known before the log began.
    new = aged.filter(pl.col("age") == pl.col("first")).unique(["listener_id", "artist_id"])
    late = (pl.col("week") >= -(-_SETTLED_DAYS // 7)) & (pl.col("week") < pl.col("last"))
    keys = ["listener_id", "week"]
    weeks = aged.filter(late).group_by(keys).agg(artists=pl.col("artist_id").n_unique())
    fresh = new.filter(late)
    per_week = weeks.join(fresh.group_by(keys).agg(new=pl.len()), on=keys, how="left")["new"].fill_null(0)
    return {
        "artists_in_a_week": _percentiles(weeks["artists"]),
        "new_artists_in_a_week_after_60_days": _percentiles(per_week),
        "new_artists_also_heard_by_another_listener_share": _mean(fresh["listeners"] > 1),
        "new_artists_played_once_share": _mean(fresh["n"] == 1),
    }


def _next(plays: pl.DataFrame) -> Figures:
    """Return how often the next other artist in a session is among ten guesses, learnt from earlier plays."""
    gap = pl.col("played_at").diff().dt.total_seconds()
    artist, listener = pl.col("artist_id"), pl.col("listener_id")
    moves = plays.with_columns(
        before=artist.shift(),
        place=pl.int_range(pl.len()).over("listener_id") / pl.len().over("listener_id"),
        move=(listener == listener.shift()) & (artist != artist.shift()) & (gap <= _SESSION_GAP_SECONDS),
    )
    early, late = moves.filter(pl.col("place") < 1 - _HELD_OUT), moves.filter(pl.col("place") >= 1 - _HELD_OUT)
    asked = late.filter("move").select("listener_id", "before", "artist_id")
    followers = early.filter("move").group_by("before", "artist_id").len()
    guesses = {
        "transitions_of_everybody": (followers, ["before"]),
        "own_favourites": (early.group_by("listener_id", "artist_id").len(), ["listener_id"]),
    }
    found = {}
    for name, (counts, by) in guesses.items():
        ranked = counts.sort(*by, "len", "artist_id", descending=[False] * len(by) + [True, False])
        best = ranked.group_by(by, maintain_order=True).head(_TOP).select(*by, "artist_id")
        found[name] = asked.join(best, on=[*by, "artist_id"], how="semi").height / max(asked.height, 1)
    popular = early["artist_id"].value_counts(sort=True).head(_TOP)["artist_id"]
    return {"next_artist_in_top_10": {**found, "popular": _mean(asked["artist_id"].is_in(popular.implode()))}}


def _percentiles(values: pl.Series) -> dict[str, float]:
    found = {name: values.quantile(q, interpolation="linear") for name, q in _PERCENTILES.items()}
    return {name: float("nan") if value is None else float(value) for name, value in found.items()}


def _mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).mean()) if len(values) else float("nan")  # type: ignore[arg-type]  # not null
