"""Listeners no human could be: set aside with their reason, while the night goes on.

Two things are beyond a person on any single day: hours that a day does not have, and more plays than can be started.
Two more are habits of machines, which happen to people now and then (music that was left on overnight, a track that
repeats): something in every hour of the day, and a rhythm without a spread. They count after `habit_days` on end.
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
    """Listeners of a day who did what people do not: listener_id, plays, and a truth for each of REASONS; by id.

    Args:
        plays: columns of PLAYS, of one day.
        bots: the bounds.
    """
    listener = plays.group_by("listener_id").agg(
        plays=pl.len().cast(pl.Int64),
        hours_of_day=pl.col("played_at").dt.hour().n_unique(),
        # A day's first or last play may lie half in another day, according to what a log's times mean.
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
    """Standard deviation of the times between plays, relative to their mean."""
    between = pl.col("played_at").sort().diff().drop_nulls().dt.total_milliseconds()
    return (
        plays.join(listeners.select("listener_id"), on="listener_id", how="semi")
        .group_by("listener_id")
        .agg(spread=between.std() / between.mean())
    )


def set_aside(days: Iterable[Mapping[str, Any]], bots: BotParams) -> pl.DataFrame:
    """Who is set aside, one row a listener: SET_ASIDE, by id. The first of REASONS that is enough is the reason; days
    and plays are those it was seen on.

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
        # Days on end: the day less its number among the listener's days is the same for all of them.
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
    """How many are set aside, by reason and relative to the busiest day's listeners (None of a handful)."""
    busiest = max((day["listeners"] for day in days), default=0)
    counts = aside["reason"].value_counts(sort=True).sort("count", "reason", descending=[True, False])
    return {
        "n_set_aside": aside.height,
        "set_aside_share": aside.height / busiest if busiest >= min_listeners else None,
        "by_reason": dict(counts.iter_rows()),
    }


def bot_suite(facts: Mapping[str, Any], bots: BotParams) -> list[Expect]:
    reasons = "; ".join(f"{n:,} for {reason}" for reason, n in facts["by_reason"].items())
    return [
        within(
            "n_set_aside",
            f"no listener does what no person can ({reasons or 'nobody is set aside'})",
            at_most=0,
            severity="quarantine",
        ),
        within(
            "set_aside_share",
            f"at most {bots.max_listener_share:.0%} of listeners are set aside ({facts['n_set_aside']:,} are)",
            at_most=bots.max_listener_share,
        ),
    ]
