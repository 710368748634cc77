"""Listeners who look at their lists and sometimes play from them: a world whose answer to a better list is known.

Beside the simulator of logs, which knows no lists: `pipeline.simulation.world` makes what listeners play by themselves,
this module what lists add. Everything that a service wants to learn from experiments is a parameter here.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """What is true of the world."""

    elasticity: float = 0.05
    """ε: lists that are better by the factor 1 + g have (1 + g)^ε as many plays."""
    unexplained_sd: float = 0.005
    """τ, standard deviation of the effect that a pair of recipes has whatever their offline gain."""
    look: float = 0.6
    """Share of a listener's active days on which the list is looked at."""
    attraction: float = 0.25
    """Probability that an item of full appeal at rank 1 is played by a listener who looks."""
    steepness: float = 1.0
    """Attraction falls as 1 / rank^steepness (position bias; Craswell et al. 2008)."""
    habituation: float = 0.5
    """Share of the effect that is gone for good after many days with the new lists."""
    habituation_days: float = 14.0
    """Days in which half of that has gone [d]."""
    listener_sd: float = 0.4
    """Standard deviation of ln activity between listeners, as far as the weeks before do not foretell it."""
    day_sd: float = 0.02
    """Standard deviation of a day's shock, which all listeners share."""
    week: float = 0.1
    """Amplitude of the weekly season."""
    year: float = 0.15
    """Amplitude of the yearly season."""
    joins: float = 0.003
    """Listeners who join a day, as a share of those of the first day [1 / d]."""
    leaves: float = 0.003
    """Listeners who leave for good a day, as a share of those who are there [1 / d]."""


class Audience(NamedTuple):
    """Attributes:
    activity: float64 (n_listeners,), mean plays a day in an ordinary season.
    here: bool (n_listeners, n_days), whether a listener has joined and not left.
    """

    activity: Floats
    here: Flags


def make_audience(n: int, n_days: int, world: Answers, rng: np.random.Generator, *, plays: float = 20.0) -> Audience:
    """Draw an audience: n listeners on the first day, and those who join later, after them."""
    n_late = round(n * world.joins * (n_days - 1))
    joins = np.concatenate([np.zeros(n), rng.integers(1, max(n_days, 2), n_late)])
    stays = rng.geometric(world.leaves, len(joins)) if world.leaves > 0 else np.full(len(joins), n_days)
    day = np.arange(n_days)
    here = (day >= joins[:, None]) & (day < (joins + stays)[:, None])
    sigma = world.listener_sd
    return Audience(plays * np.exp(sigma * rng.standard_normal(len(joins)) - sigma**2 / 2), here)


def seasons(n_days: int, world: Answers, rng: np.random.Generator, *, first_day: int = 0) -> Floats:
    """Return the factor of each day that all listeners share: week, year and the day's shock; shape (n_days,)."""
    day = first_day + np.arange(n_days)
    cycle = world.week * np.sin(2 * np.pi * day / 7) + world.year * np.sin(2 * np.pi * day / 365.25)
    factor: Floats = np.exp(cycle + world.day_sd * rng.standard_normal(n_days))
    return factor


def effect(gain: float, unexplained: float, world: Answers) -> float:
    """Return the lasting relative effect of a gain on plays: ε · ln(1 + g) + u."""
    return world.elasticity * float(np.log1p(gain)) + unexplained


def effect_by_day(lasting: float, n_days: int, world: Answers, *, first_day: int = 0) -> Floats:
    """Return the effect on each day since lists changed; shape (n_days,).

    What is new draws more than what one is used to: the effect begins 1 / (1 − habituation) times as large, and half of
    the excess is gone after `habituation_days`.
    """
    excess = world.habituation / (1 - world.habituation) if world.habituation < 1 else 0.0
    day = first_day + np.arange(n_days)
    found: Floats = lasting * (1 + excess * np.exp2(-day / world.habituation_days))
    return found


def daily_plays(audience: Audience, factor: Floats, effects: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return the plays of each listener and day, Poisson; shape (n_listeners, n_days).

    Args:
        audience: who is there.
        factor: of each day, see `seasons`.
        effects: relative effect of a listener's lists, shape (n_listeners, n_days) or one that is broadcast to it.
    """
    mean = audience.activity[:, None] * factor * np.maximum(1 + effects, 0.0) * audience.here
    return rng.poisson(mean)


def chances(appeal: Floats, world: Answers) -> Floats:
    """Return the probability that a listener who looks plays each item of a list.

    Args:
        appeal: shape (n_lists, k), how much the listener likes the item at each rank, in [0, 1].
    """
    rank = np.arange(1, appeal.shape[1] + 1)
    found: Floats = world.attraction * appeal / rank**world.steepness
    return found


def answered(appeal: Floats, world: Answers, rng: np.random.Generator) -> Flags:
    """Return which items of their lists listeners play today; shape (n_lists, k). Many do not look at all."""
    looks = rng.random(len(appeal)) < world.look
    played: Flags = (rng.random(appeal.shape) < chances(appeal, world)) & looks[:, None]
    return played
