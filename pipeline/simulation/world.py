"""Simulate an audience day by day; a day does not depend on the number of days that follow."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from pipeline.simulation.catalogue import SHORT, Catalogue, Shape, catalogue_size, make_catalogue
from pipeline.simulation.dirt import Dirt, bot_plays, with_duplicates
from pipeline.simulation.facts import load_facts
from pipeline.simulation.kernel import DayOfPlays, one_day, rhythm, room, warm_up
from pipeline.simulation.listeners import drift, make_listeners

WARM_UP_PLAYS = 1500
"""Choices of each listener before the first day, so that the log starts with listeners who have a past."""

_CATALOGUE, _LISTENERS, _DAYS, NAMES, SPOILS = range(5)


@dataclass(frozen=True)
class Day:
    """A day's log.

    Attributes:
        date: in UTC.
        plays: distinct plays, those of bots included; at most one per listener and second.
        rows: int64, row numbers of `plays` in the order of the file, duplicates included.
        n_duplicates: rows that repeat an earlier one.
        n_bot_plays: plays of bots.
    """

    date: date
    plays: DayOfPlays
    rows: npt.NDArray[np.int64]
    n_duplicates: int
    n_bot_plays: int


def stream(seed: int, *purpose: int) -> np.random.Generator:
    """Return a random generator for one purpose; draws of one purpose do not affect those of another."""
    return np.random.default_rng([seed, *purpose])


def make_world(n_listeners: int, seed: int, n_artists: int | None = None, shape: Shape = SHORT) -> Catalogue:
    """Return the catalogue of a seed, by default with `catalogue_size` artists."""
    return make_catalogue(n_artists or catalogue_size(n_listeners, shape), stream(seed, _CATALOGUE), shape=shape)


def days(
    catalogue: Catalogue,
    *,
    n_listeners: int,
    n_days: int,
    seed: int,
    start: date,
    dirt: Dirt,
    shape: Shape = SHORT,
) -> Iterator[Day]:
    """Yield n_days days. Listeners 0 … n_listeners − 1 are people; bots have the numbers after them."""
    facts = load_facts()
    traits, state = make_listeners(n_listeners, len(catalogue.genre), stream(seed, _LISTENERS), shape)
    hours = rhythm(facts["hour_of_day_share_utc"].real, traits.peak)
    weekdays = facts["weekday_share_mon_first"].real
    warm_up(WARM_UP_PLAYS, catalogue, traits, state)
    out = room(n_listeners)
    for day in range(n_days):
        rng = stream(seed, _DAYS, day)
        drift(state, rng)
        today = start + timedelta(days=day)
        n = one_day(day, 7 * weekdays[today.weekday()], hours, catalogue, traits, state, out)
        bots = [bot_plays(bot, n_listeners + bot, catalogue, rng) for bot in range(dirt.bots(n_listeners))]
        people = DayOfPlays(*(column[:n] for column in out))
        plays = DayOfPlays(*(np.concatenate(columns) for columns in zip(people, *bots, strict=True)))
        rows, n_duplicates = with_duplicates(plays, dirt.duplicate_share, rng)
        yield Day(today, plays, rows, n_duplicates, sum(len(bot.second) for bot in bots))
