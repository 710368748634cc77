"""Measure the figures by which simulated and real plays are compared."""

from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

Figures = dict[str, Any]

_PERCENTILES = {"p5": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
_FAR_DAYS, _QUARTER_DAYS, _TOP_ARTISTS, _SESSION_GAP_SECONDS, _COUNTED_MS = 90, 91, 50, 1800, 30_000


def statistics(plays: pa.Table | pl.DataFrame) -> Figures:
    """Return every figure of pipeline/simulation/facts.json.

    Args:
        plays: listener_id, played_at (a timestamp in UTC), artist_id, track_id, ms_played; other columns are ignored.

    Returns:
        Figures by name: a number, a list of shares, or percentiles p5 to p95 (over listeners unless the name says
        plays, sessions or repeats); NaN if there are too few plays. Exact duplicates are counted, then dropped.
    """
    columns = ["listener_id", "played_at", "artist_id", "track_id", "ms_played"]
    rows = (plays if isinstance(plays, pl.DataFrame) else pl.DataFrame(pl.from_arrow(plays))).select(columns)
    unique = rows.unique().sort("listener_id", "played_at", "track_id", "ms_played")
    # Integers in place of names speed up the grouping, which is most of the work.
    unique = unique.with_columns(
        pl.col("listener_id", "artist_id", "track_id").rank("dense").cast(pl.UInt32),
        second=pl.col("played_at").dt.epoch("s"),
    )
    unique = unique.with_columns(
        age_days=(pl.col("second") - pl.col("second").min().over("listener_id")) / 86_400,
        day=pl.col("second") // 86_400,
    )
    ms = unique["ms_played"]
    return {
        "events": rows.height,
        "listeners": unique["listener_id"].n_unique(),
        "exact_duplicate_share": 1 - unique.height / rows.height if rows.height else float("nan"),
        "share_plays_under_30s": _mean(ms < _COUNTED_MS),
        "share_ms_zero": _mean(ms == 0),
        "ms_played_seconds_of_plays_ge_30s": _percentiles(ms.filter(ms >= _COUNTED_MS) / 1000),
        "hour_of_day_share_utc": _shares(unique["played_at"].dt.hour(), range(24)),
        "weekday_share_mon_first": _shares(unique["played_at"].dt.weekday(), range(1, 8)),
        **_by_listener(unique),
        **_sessions(unique),
        **_repeats(unique),
        **_popularity(unique),
        "top50_artist_jaccard_consecutive_quarters": _percentiles(pl.Series(_drift(unique), dtype=pl.Float64)),
    }


def _by_listener(plays: pl.DataFrame) -> Figures:
    """Return activity, breadth and concentration, measured per listener."""
    activity = plays.group_by("listener_id").agg(
        plays_per_day=pl.len() / pl.col("day").n_unique(),
        active=pl.col("day").n_unique() / (pl.col("day").max() - pl.col("day").min() + 1),
        tracks=pl.col("track_id").n_unique(),
        artists=pl.col("artist_id").n_unique(),
    )
    return {
        "plays_per_listener_day": _percentiles(activity["plays_per_day"]),
        "share_of_days_active": _percentiles(activity["active"]),
        "distinct_tracks_per_listener": _percentiles(activity["tracks"]),
        "distinct_artists_per_listener": _percentiles(activity["artists"]),
        "listener_share_of_plays_on_top10pct_tracks": _percentiles(_concentration(plays, "track_id")),
        "listener_share_of_plays_on_top10pct_artists": _percentiles(_concentration(plays, "artist_id")),
    }


def _concentration(plays: pl.DataFrame, item: str) -> pl.Series:
    counts = plays.group_by("listener_id", item).len().sort("listener_id", "len", descending=[False, True])
    top = pl.col("len").head((pl.len() * 0.1).ceil().cast(pl.UInt32)).sum()
    return counts.group_by("listener_id").agg(share=top / pl.col("len").sum())["share"]


def _sessions(plays: pl.DataFrame) -> Figures:
    """Return the figures of sessions, which a gap of 30 minutes between two plays separates."""
    gap = pl.col("second").diff().over("listener_id")
    marked = plays.with_columns(opens=(gap.is_null() | (gap > _SESSION_GAP_SECONDS)))
    marked = marked.with_columns(session=pl.col("opens").cum_sum())
    lengths = marked.group_by("session").len()["len"]
    n_inside = marked.height - lengths.len()
    same = marked.select(same=(pl.col("artist_id") == pl.col("artist_id").shift(1)) & ~pl.col("opens"))["same"]
    return {
        "plays_per_session_gap30min": _percentiles(lengths),
        "session_plays_mean": _mean(lengths),
        "same_artist_as_previous_play_in_session": float(same.sum()) / n_inside if n_inside else float("nan"),
    }


def _repeats(plays: pl.DataFrame) -> Figures:
    """Return the shares of repeats after a listener's first 90 days, and the time between repeats of a track."""
    figures: Figures = {}
    for name in ("track", "artist"):
        known = plays.select(
            "listener_id", "age_days", known=~pl.struct("listener_id", f"{name}_id").is_first_distinct()
        )
        late = known.filter(pl.col("age_days") > _FAR_DAYS).group_by("listener_id").agg(pl.col("known").mean())
        figures[f"repeat_{name}_share_after_90_days"] = _percentiles(late["known"])
    since = plays.select(since=pl.col("second").diff().over("listener_id", "track_id") / 86_400)["since"].drop_nulls()
    return figures | {"time_between_repeats_of_a_track_days": _percentiles(since)}


def _popularity(plays: pl.DataFrame) -> Figures:
    tracks = plays["track_id"].value_counts(sort=True)["count"].to_numpy()
    artists = plays.group_by("artist_id").agg(plays=pl.len(), listeners=pl.col("listener_id").n_unique())
    return {
        "artist_plays_zipf_exponent_rank10_3000": _zipf(np.sort(artists["plays"].to_numpy())[::-1], 3000),
        "track_plays_zipf_exponent_rank10_10000": _zipf(tracks, 10_000),
        "artists_heard_by_one_listener_only_share": _mean(artists["listeners"] == 1),
    }


def _zipf(counts: np.ndarray[Any, Any], last: int) -> float:
    """Return minus the slope of log(plays) on log(rank), rank 10 to `last`, by least squares; NaN with fewer ranks."""
    if len(counts) < last:
        return float("nan")
    ranks = np.arange(10, last + 1)
    return -float(np.polyfit(np.log(ranks), np.log(counts[9:last]), 1)[0])


def _drift(plays: pl.DataFrame) -> list[float]:
    """Return the Jaccard indices of the 50 top artists, for each listener and two consecutive quarters of 91 days."""
    quarters = plays.with_columns(quarter=(pl.col("age_days") // _QUARTER_DAYS).cast(pl.Int32))
    last = (pl.col("age_days").max().over("listener_id") + 1) // _QUARTER_DAYS
    counts = quarters.filter(pl.col("quarter") < last).group_by("listener_id", "quarter", "artist_id").len()
    # Ties are broken by artist, so that the figure does not depend on the order of rows.
    ranked = counts.sort("listener_id", "quarter", "len", "artist_id", descending=[False, False, True, False])
    tops = ranked.group_by("listener_id", "quarter", maintain_order=True).agg(pl.col("artist_id").head(_TOP_ARTISTS))
    sets = {(listener, quarter): frozenset(artists) for listener, quarter, artists in tops.iter_rows()}
    pairs = [(top, sets[who, quarter + 1]) for (who, quarter), top in sets.items() if (who, quarter + 1) in sets]
    return [len(a & b) / len(a | b) for a, b in pairs]


def _percentiles(values: pl.Series) -> dict[str, float]:
    found = {name: values.quantile(q, interpolation="linear") for name, q in _PERCENTILES.items()}
    return {name: float("nan") if value is None else float(value) for name, value in found.items()}


def _shares(values: pl.Series, support: range) -> list[float]:
    return [_mean(values == value) for value in support]


def _mean(values: pl.Series) -> float:
    return float(values.cast(pl.Float64).mean()) if len(values) else float("nan")  # type: ignore[arg-type]  # not null
