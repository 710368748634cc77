"""Nights drawn at the level of what the gate keeps of them: sums by group of listeners, parts by day, fits' means.

So a million listeners cost no more than a thousand. Sums over many listeners are normal, and the cross-products of a
normal sample are Wishart whatever its means are (Bartlett 1933): both are drawn directly.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.linalg import toeplitz

from pipeline.calibration.moments import Moments
from pipeline.calibration.refits import Floats
from pipeline.gate.comparison import DETERMINISTIC, EarlierSeeds, SeedVariance, pooled_seeds
from pipeline.gate.days import DayDifference
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import PARTS, Means, PairNight

SEASON = 0.1
"""Relative height of a slow swing of all recipes' NDCG together, and of the weekend's."""
SEASON_DAYS = 120


@dataclass(frozen=True)
class World:
    """What nights are drawn from, beside the moments of a pair.

    Attributes:
        n_listeners: eligible listeners of a night.
        n_fits: K.
        shock_sd: standard deviation of a day's shock, relative to the champion's part of the day.
        failures: probability that a fit of the champion fails and reaches only `failed`.
        failed: relative NDCG of a fit that fails.
    """

    n_listeners: int
    n_fits: int = 3
    shock_sd: float = 0.0
    failures: float = 0.0
    failed: float = 0.8


@dataclass(frozen=True)
class Sums:
    """Some clocks' nights: independent challengers of the same moments, on consecutive nights.

    Attributes:
        moments: of each pair.
        world: the service.
        base: shape (n_nights, n_days), the champion's mean on each day of a window.
        parts: shape (n_clocks, n_nights, n_days), parts of the difference by day.
        factor: shape (n_clocks, n_nights, n_nights); factor · factorᵀ are the cross-products of influences by group.
        spreads: shape (2, n_clocks, n_nights), variance of the fits' means of champion and challenger.
    """

    moments: Moments
    world: World
    base: Floats
    parts: Floats
    factor: Floats
    spreads: Floats

    @property
    def n_clocks(self) -> int:
        return len(self.parts)

    @property
    def n_nights(self) -> int:
        return int(self.parts.shape[1])

    @property
    def day_noise(self) -> Floats:
        """Return the variance of each day's part over listeners, shape (n_days,)."""
        m = self.moments
        found: Floats = (np.square(m.weights) * m.day.now + m.taste.now / m.n_days**2) / self.world.n_listeners
        return found

    def noise_of_fits(self, side: int) -> float:
        """Return what listeners add to the variance of a fit's mean: of the champion (0) or the challenger (1)."""
        return self.moments.fit_noise[side] / self.world.n_listeners

    def nights(self, clock: int, until: int) -> tuple[list[PairNight], Floats]:
        """Return the first nights of a clock as the gate's ledger keeps them, and their influences by group."""
        found = []
        for night in range(until):
            base, parts = self.base[night], self.parts[clock, night]
            days = {
                f"{night + place:04d}": DayDifference(
                    float(parts[place]), float(base[place]), float(self.day_noise[place])
                )
                for place in range(len(base))
            }
            means = Means(self.world.n_listeners, float(base.sum()), float(base.sum() + parts.sum()))
            champion, challenger = (self.world.n_fits if self.moments.fits[side] else 1 for side in (0, 1))
            found.append(PairNight(f"{night:04d}", dict.fromkeys(PARTS, means), days, champion, challenger))
        rows = self.factor[clock, :until] @ _frame(self.n_nights)
        return found, np.repeat(rows[:, None], len(PARTS), axis=1)

    def seeds(self, clock: int, until: int) -> tuple[SeedVariance, SeedVariance]:
        """Return ŝ² of champion and challenger on a night, from its fits and those of the nights before."""
        found = []
        for side in (0, 1):
            if not self.moments.fits[side]:
                found.append(DETERMINISTIC)
                continue
            noise, df = self.noise_of_fits(side), self.world.n_fits - 1.0
            known = [EarlierSeeds(float(v) - noise, df, float(v)) for v in self.spreads[side, clock, :until]]
            found.append(pooled_seeds(known[-1], known[:-1], 1.0))
        return found[0], found[1]


def draw(moments: Moments, world: World, *, n_clocks: int, gains: Floats, rng: np.random.Generator) -> Sums:
    """Draw some clocks' nights.

    Args:
        moments: of the pair.
        world: the service.
        n_clocks: independent challengers.
        gains: shape (n_nights,), or (n_clocks, n_nights): the true relative gain on each night.
        rng: draws them.
    """
    n_nights, n_days, n = gains.shape[-1], moments.n_days, world.n_listeners
    calendar = np.arange(n_nights + n_days - 1)
    level = 1 + SEASON * np.sin(2 * np.pi * calendar / SEASON_DAYS) + SEASON * (calendar % 7 >= 5)
    windows = np.arange(n_nights)[:, None] + np.arange(n_days)[None, :]
    base = moments.profile * level[windows]
    parts = (moments.weights * _days(moments, calendar, n_clocks, rng)[:, windows, _places(n_days)]) / np.sqrt(n)
    nights = np.abs(np.arange(n_nights)[:, None] - np.arange(n_nights)[None, :])
    taste = rng.standard_normal((n_clocks, n_nights)) @ _root(moments.taste.at(nights)).T / np.sqrt(n)
    parts += taste[:, :, None] / n_days
    shocks = world.shock_sd * rng.standard_normal((n_clocks, len(calendar)))
    effects, spreads = _fits(moments, world, n_clocks, n_nights, rng)
    relative = np.broadcast_to(gains, (n_clocks, n_nights)) + effects
    parts += base * (relative[:, :, None] + shocks[:, windows])
    return Sums(moments, world, base, parts, _cross_products(moments, n, n_clocks, n_nights, rng), spreads)


def _days(moments: Moments, calendar: np.ndarray, n_clocks: int, rng: np.random.Generator) -> Floats:
    """Return noise of each calendar day on each night that sees it, by the day's place in the window, from the last."""
    same_day = toeplitz(moments.day.at(np.arange(moments.n_days)))
    found: Floats = rng.standard_normal((n_clocks, len(calendar), moments.n_days)) @ _root(same_day).T
    return found


def _places(n_days: int) -> np.ndarray:
    return np.arange(n_days)[::-1][None, :]


def _fits(
    moments: Moments, world: World, n_clocks: int, n_nights: int, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return what tonight's fits add to the relative gain, and the variance of their means for both recipes."""
    effects, spreads = np.zeros((n_clocks, n_nights)), np.zeros((2, n_clocks, n_nights))
    shape = (n_clocks, n_nights, world.n_fits)
    for side, sign in ((0, -1), (1, 1)):
        if not moments.fits[side]:
            continue
        luck = np.sqrt(moments.fits[side]) * rng.standard_normal(shape)
        if side == 0 and world.failures:
            luck = luck + (world.failed - 1) * (rng.random(shape) < world.failures)
        effects += sign * luck.mean(axis=2)
        noise = np.sqrt(moments.fit_noise[side] / world.n_listeners) * rng.standard_normal(shape)
        spreads[side] = (luck + noise).var(axis=2, ddof=1)
    return effects, spreads


def _cross_products(moments: Moments, n: int, n_clocks: int, n_nights: int, rng: np.random.Generator) -> Floats:
    lower = np.tril(rng.standard_normal((n_clocks, n_nights, n_nights)), -1)
    freedom = N_GROUPS - 1 - np.arange(n_nights)
    lower[:, np.arange(n_nights), np.arange(n_nights)] = np.sqrt(rng.chisquare(freedom, (n_clocks, n_nights)))
    found: Floats = _root(moments.covariance(n_nights)) @ lower / np.sqrt(n * N_GROUPS)
    return found


def _root(covariance: Floats) -> Floats:
    """Return a root R, R · Rᵀ the covariance; the little that a fitted one may lack to be semidefinite is added."""
    values, vectors = np.linalg.eigh(covariance)
    found: Floats = vectors * np.sqrt(np.clip(values, 0.0, None))
    return found


@cache
def _frame(n_nights: int) -> Floats:
    """Return orthonormal rows that sum to 0, shape (n_nights, N_GROUPS)."""
    rng = np.random.default_rng(0)
    columns = np.column_stack([np.ones(N_GROUPS), rng.standard_normal((N_GROUPS, n_nights))])
    found: Floats = np.linalg.qr(columns)[0][:, 1:].T
    return found
