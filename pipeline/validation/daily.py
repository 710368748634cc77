"""Facts of each day of plays, computed once and cached, so that a night reads only new days."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.features.placeholders import is_placeholder
from pipeline.params.interactions import PLACEHOLDERS
from pipeline.params.validation import BotParams
from pipeline.runtime.code_closure import code_digest
from pipeline.storage.cache import Cache, key_of
from pipeline.storage.tables import read_columns
from pipeline.validation import bots as bot_rules

DURATION_FROM_SECONDS = (0, 10, 30, 60, 120, 180, 240, 300, 600)
N_DURATION_BINS = len(DURATION_FROM_SECONDS) + 1  # the last for plays without a duration
N_PLAYS_BINS = 12
_TEXTS = ("listener_id", "artist_id", "track_id", "artist_name", "track_name")

DayFacts = dict[str, Any]
"""A day's facts: `day` (text); `plays`, `listeners`, `empty_texts`, `unknown_artists`, `min_ms`, `max_ms`, `misplaced`
(plays dated on another day than their folder's), `last_second` (of the day); `suspects` (see `bots`). Without the
suspects: `people`, `people_plays`, `top_listener_plays` (of the 1 % most active), `top_artist_plays`, and the
histograms `hours` (plays by hour of the day, 24 bins), `durations` (plays by DURATION_FROM_SECONDS) and `plays_each`
(listeners by the power of two of their plays)."""


def daily_facts(
    plays: Path,
    days: Mapping[str, str],
    *,
    as_of: dt.date,
    cache: Cache,
    bots: BotParams,
    placeholders: Sequence[str] = PLACEHOLDERS,
) -> list[DayFacts]:
    """Return the facts of each day before `as_of`, in order.

    Args:
        plays: folder of PLAYS.
        days: for each day, a digest of the inputs of its plays.
        as_of: the night; the folders of this and later days are not opened.
        cache: the cache of facts.
        bots: the bounds of human behaviour.
        placeholders: names in place of an artist (`interactions.placeholder_artists`).
    """
    code = [code_digest(__name__), bots.model_dump(), list(placeholders)]
    build = partial(_facts, bots=bots, placeholders=placeholders)
    keys = {day: key_of(code, day, made_from) for day, made_from in sorted(days.items())}
    visible = [day for day in keys if day < as_of.isoformat()]
    facts = [
        cache.find(keys[day]) or cache.make(keys[day], partial(build, plays=plays / f"day={day}")) for day in visible
    ]
    cache.forget_others(set(keys.values()))
    return facts


def _facts(_folder: Path, *, plays: Path, bots: BotParams, placeholders: Sequence[str]) -> DayFacts:
    rows = read_columns(plays, [*_TEXTS, "played_at", "ms_played"])
    suspects = bot_rules.suspects(rows, bots)
    people = rows.join(suspects, on="listener_id", how="anti") if suspects.height else rows
    return (
        {"day": (day := plays.name.removeprefix("day="))}
        | _counts(rows, day, placeholders)
        | _shape(people)
        | {"suspects": suspects.to_dicts()}
    )


def _counts(plays: pl.DataFrame, day: str, placeholders: Sequence[str]) -> DayFacts:
    unknown = is_placeholder(plays["artist_name"], placeholders)
    texts = [pl.col(name).is_null() | (pl.col(name) == "") for name in _TEXTS]
    return plays.select(
        pl.len().alias("plays"),
        pl.col("listener_id").n_unique().alias("listeners"),
        pl.any_horizontal(texts).sum().alias("empty_texts"),
        pl.lit(int(unknown.sum())).alias("unknown_artists"),
        pl.col("ms_played").min().alias("min_ms"),
        pl.col("ms_played").max().alias("max_ms"),
        (pl.col("played_at").dt.date() != dt.date.fromisoformat(day)).sum().alias("misplaced"),
        (pl.col("played_at").dt.epoch("s") % 86_400).max().alias("last_second"),
    ).row(0, named=True)


def _shape(people: pl.DataFrame) -> DayFacts:
    each = people.group_by("listener_id").len("n")["n"].sort(descending=True)
    artists = people["artist_id"].value_counts()["count"]
    seconds = people["ms_played"] // 1000
    last = len(DURATION_FROM_SECONDS) - 1
    longer = pl.sum_horizontal((pl.col("s") >= bound).cast(pl.Int32) for bound in DURATION_FROM_SECONDS) - 1
    bins = seconds.to_frame("s").select(pl.when(pl.col("s").is_null()).then(last + 1).otherwise(longer)).to_series()
    return {
        "people": len(each),
        "people_plays": people.height,
        "top_listener_plays": int(each.head(-(-len(each) // 100)).sum()),
        "top_artist_plays": int(artists.max() or 0),  # type: ignore[arg-type]  # of integers
        "hours": _histogram(people["played_at"].dt.hour(), 24),
        "durations": _histogram(bins, N_DURATION_BINS),
        "plays_each": _histogram(each.log(2).floor().clip(0, N_PLAYS_BINS - 1), N_PLAYS_BINS),
    }


def _histogram(bins: pl.Series, n_bins: int) -> list[int]:
    counts = bins.cast(pl.Int32).alias("bin").value_counts(name="n")
    every = pl.DataFrame({"bin": pl.int_range(n_bins, dtype=pl.Int32, eager=True)})
    return every.join(counts, on="bin", how="left", maintain_order="left")["n"].fill_null(0).to_list()
