"""What the listeners of an experiment did: landed impressions and daily plays as arrays."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipeline.monitoring.impressions import attributed
from pipeline.online.drafting import CONTROL, TREATMENT
from pipeline.online.effects import Floats
from pipeline.online.estimating import Observed
from pipeline.online.running import Running

WEEKS_BEFORE = 28
"""Days before an experiment that CUPED adjusts by."""


@dataclass(frozen=True)
class Tables:
    """The night's tables.

    Attributes:
        daily: day, listener_id, item_id, n_plays (DAILY) from WEEKS_BEFORE days before the first experiment on.
        impressions: of `serving.recorded`.
        named: plays that name an impression: impression_id, listener_id, at, item_id.
        plays: listener_id, played_at, item_id: what drafted lists are credited with.
        listeners: all tokens of the window.
    """

    daily: pl.DataFrame
    impressions: pl.DataFrame
    named: pl.DataFrame
    plays: pl.DataFrame
    listeners: Sequence[str]


def observe(running: Running, tables: Tables, *, as_of: dt.date) -> Observed:
    """Return what the exposed listeners of an experiment did from its first day up to the night.

    A listener is exposed by the first own list that was shown from a release of the experiment's time. The arm is the
    assigned one, whatever was shown: what was shown tells who is contaminated.
    """
    days = [running.opened + dt.timedelta(days=n) for n in range((as_of - running.opened).days)]
    shown = tables.impressions.filter(
        (pl.col("lane") == "own")
        & pl.col("listener_id").is_not_null()
        & (pl.col("release").str.head(10) >= running.opened.isoformat())
    ).with_columns(day=pl.col("at").dt.date())
    arms = {name: running.arm(name) for name in shown["listener_id"].unique().sort()}
    displaced = _displaced(running, shown)
    names = [name for name, arm in arms.items() if arm is not None and name not in displaced]
    first = dict(shown.group_by("listener_id").agg(pl.col("day").min()).iter_rows())
    places = {name: place for place, name in enumerate(names)}
    mixed = _contaminated(running, shown, arms)
    starts = np.array([(first[name] - running.opened).days for name in names], dtype=np.int64)
    assigned = [arm for name in tables.listeners if (arm := running.arm(name)) is not None]
    lead, credit = _credit(running, shown, tables, places, days)
    return Observed(
        arm=tuple(str(arms[name]) for name in names),
        seen=np.arange(len(days)) >= starts[:, None],
        plays=_matrix(tables.daily, "n_plays", places, days),
        before=_before(tables.daily, places, running.opened),
        contaminated=np.array([name in mixed for name in names], dtype=bool),
        assigned={name: assigned.count(name) for name in running.arms},
        lead=lead,
        credit=credit,
    )


def _contaminated(running: Running, shown: pl.DataFrame, arms: dict[str, str | None]) -> set[str]:
    """Return the participants who were shown another arm than theirs."""
    if running.design == "withhold":  # it goes with any other experiment
        return set()
    found = set()
    labels = shown.select("listener_id", "experiment", "arm").unique()
    for name, experiment, arm in labels.iter_rows():
        mine = arms[name]
        expected = (running.id, mine) in {(experiment, arm)} if mine in _LABELLED else experiment != running.id
        if mine is not None and not expected:
            found.add(name)
    return found


def _displaced(running: Running, shown: pl.DataFrame) -> set[str]:
    """Return the listeners whom a holdback took out of an experiment; which arm they are in plays no part in that."""
    if running.declared.layer != "lists":
        return set()
    others = shown.filter(pl.col("experiment").is_not_null() & (pl.col("experiment") != running.id))
    return set(others["listener_id"].unique())


_LABELLED = {"control", "treatment", "held_back", "drafted"}
"""Arms that impressions name; the others are all listeners who are left alone."""


def _matrix(table: pl.DataFrame, value: str, places: dict[str, int], days: Sequence[dt.date]) -> Floats:
    matrix = np.zeros((len(places), len(days)))
    if not days or not places:
        return matrix
    mine = table.filter(pl.col("day").is_between(days[0], days[-1]) & pl.col("listener_id").is_in(list(places)))
    for name, day, n in mine.group_by("listener_id", "day").agg(pl.col(value).sum()).iter_rows():
        matrix[places[name], (day - days[0]).days] = n
    return matrix


def _before(daily: pl.DataFrame, places: dict[str, int], opened: dt.date) -> Floats:
    found = np.zeros(len(places))
    start = opened - dt.timedelta(days=WEEKS_BEFORE)
    earlier = daily.filter((pl.col("day") >= start) & (pl.col("day") < opened))
    for name, n in earlier.group_by("listener_id").agg(pl.col("n_plays").sum()).iter_rows():
        if name in places:
            found[places[name]] = n / WEEKS_BEFORE
    return found


def _credit(
    running: Running, shown: pl.DataFrame, tables: Tables, places: dict[str, int], days: Sequence[dt.date]
) -> tuple[Floats, Floats]:
    """Return lead and credit of drafted lists: a play that follows from one is credited to the team of its item."""
    if running.design != "interleave":
        none = np.zeros((len(places), len(days)))
        return none, none
    drafts = shown.filter((pl.col("experiment") == running.id) & pl.col("team").is_not_null())
    followed = attributed(drafts, tables.plays, tables.named).drop_nulls("rank")
    credited = (
        followed.join(drafts.select("impression_id", "team"), on="impression_id")
        .with_columns(
            letter=pl.col("team").str.slice(pl.col("rank") - 1, 1),
            day=pl.col("played_at").dt.date(),
        )
        .with_columns(
            all=pl.col("letter").is_in([CONTROL, TREATMENT]).cast(pl.Float64),
            lead=(pl.col("letter") == TREATMENT).cast(pl.Float64) - (pl.col("letter") == CONTROL).cast(pl.Float64),
        )
    )
    return _matrix(credited, "lead", places, days), _matrix(credited, "all", places, days)
