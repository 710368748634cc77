"""Detects listeners that cannot be human; they are excluded with a reason, and the night goes on.

Two kinds of behaviour are impossible for a person on any single day: more hours than a day has, and too many plays. Two
more are typical of machines but happen to people occasionally (music left on overnight, a track on repeat): plays in
every hour of the day, and a regular rhythm. They count only on `habit_days` consecutive days.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

from pipeline.params.validation import BotParams
from pipeline.validation.expectations import Expect, within

REASONS = {
    "too_long": "more hours than a day has",
    "too_many": "more plays than a person starts",
    "around_the_clock": "something in every hour of the day, for days on end",
    "no_spread": "a rhythm without a spread, for days on end",
}
_HABITS = ("around_the_clock", "no_spread")
_MS_PER_HOUR = 3_600_000
_SCHEMA = {"listener_id": pl.String, "plays": pl.Int64, **dict.fromkeys(REASONS, pl.Boolean)}


def suspects(plays: pl.DataFrame, bots: BotParams) -> pl.DataFrame:
    """Return the listeners of one day whose behaviour is suspicious.

    Args:
        plays: columns of PLAYS, of one day.
        bots: the bounds.

    Returns:
        Rows of listener_id, plays and a boolean for each of REASONS, sorted by listener_id.
    """
    listener = plays.group_by("listener_id").agg(
        plays=pl.len().cast(pl.Int64),
        hours_of_day=pl.col("played_at").dt.hour().n_unique(),
        # The longest play is left out: the day's first or last play may lie partly in another day.
        ms=pl.col("ms_played").sum() - pl.col("ms_played").max().fill_null(0),
    )
    busy = listener.filter(pl.col("plays") > bots.max_plays_per_day / 2)
    return (
        listener.join(_spreads(plays, busy), on="listener_id", how="left")
        .select(
            "listener_id",
            "plays",
            too_long=pl.col("ms") > bots.max_hours_per_day * _MS_PER_HOUR,
            too_many=pl.col("plays") > bots.max_plays_per_day,
            around_the_clock=pl.col("hours_of_day") == 24,
            no_spread=(pl.col("spread") < bots.max_rhythm_spread).fill_null(value=False),
        )
        .filter(pl.any_horizontal(*REASONS))
        .sort("listener_id")
    )


def _spreads(plays: pl.DataFrame, listeners: pl.DataFrame) -> pl.DataFrame:
    """Return each listener's standard deviation of the times between plays, relative to their mean."""
    between = pl.col("played_at").sort().diff().drop_nulls().dt.total_milliseconds()
    return (
        plays.join(listeners.select("listener_id"), on="listener_id", how="semi")
        .group_by("listener_id")
        .agg(spread=between.std() / between.mean())
    )


def excluded_listeners(days: Iterable[Mapping[str, Any]], bots: BotParams) -> pl.DataFrame:
    """Return the excluded listeners: EXCLUDED_LISTENERS, one row each, sorted by id.

    The reason is the first of REASONS that suffices; days and plays are counted over the days that it applies to.

    Args:
        days: facts of days with their `suspects`.
        bots: the bounds.
    """
    rows = [{"day": dt.date.fromisoformat(day["day"]), **each} for day in days for each in day["suspects"]]
    seen = pl.DataFrame(rows, schema={"day": pl.Date, **_SCHEMA}).sort("listener_id", "day")
    by_reason = []
    for order, (column, reason) in enumerate(REASONS.items()):
        of_it = seen.filter(column)
        enough = bots.habit_days if column in _HABITS else 1
        # Consecutive days: the day minus its rank among the listener's days is constant along a run.
        run = pl.col("day").cast(pl.Int32) - pl.int_range(pl.len(), dtype=pl.Int32).over("listener_id")
        long = of_it.with_columns(run=run).filter(pl.len().over("listener_id", "run") >= enough)
        by_reason.append(
            of_it.join(long, on="listener_id", how="semi")
            .group_by("listener_id")
            .agg(first_day=pl.col("day").min(), days=pl.len().cast(pl.Int32), plays=pl.col("plays").sum())
            .with_columns(reason=pl.lit(reason), order=order)
        )
    found = pl.concat(by_reason).sort("listener_id", "order").unique("listener_id", keep="first", maintain_order=True)
    return found.select("listener_id", "reason", "first_day", "days", "plays")


def bot_facts(aside: pl.DataFrame, days: list[dict[str, Any]], *, min_listeners: int) -> dict[str, Any]:
    """Return the number of excluded listeners, by reason and as a share of the busiest day's listeners (None below
    `min_listeners`)."""
    busiest = max((day["listeners"] for day in days), default=0)
    counts = aside["reason"].value_counts(sort=True).sort("count", "reason", descending=[True, False])
    return {
        "n_excluded_listeners": aside.height,
        "excluded_listener_share": aside.height / busiest if busiest >= min_listeners else None,
        "by_reason": dict(counts.iter_rows()),
    }


def bot_suite(facts: Mapping[str, Any], bots: BotParams) -> list[Expect]:
    """Return the expectations on excluded listeners."""
    reasons = "; ".join(f"{n:,} for {reason}" for reason, n in facts["by_reason"].items())
    return [
        within(
            "n_excluded_listeners",
            f"no listener behaves like a bot ({reasons or 'none is excluded'})",
            at_most=0,
            severity="quarantine",
        ),
        within(
            "excluded_listener_share",
            f"at most {bots.max_listener_share:.0%} of listeners are excluded ({facts['n_excluded_listeners']:,} are)",
            at_most=bots.max_listener_share,
        ),
    ]
