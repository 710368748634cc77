"""Comparisons of one pair of recipes over several nights, which can prove gains too small for a single night.

The estimates of two nights are correlated by the listeners and the days that they share; fits are drawn anew each
night. All three are in the covariance of the nights' estimates: every standard error over nights, and the boundaries of
repeated analyses, follow from it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.gate.days import DayDifference, DayVariance, day_differences, day_variance, exposure
from pipeline.gate.groups import N_GROUPS, Groups, by_group
from pipeline.json_values import Number
from pipeline.metrics.slices import SLICES

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

EVERYONE = "everyone"
PARTS = (EVERYONE, *sorted(SLICES))
"""All eligible listeners, and each slice of them: the order of a night's influences."""


@dataclass(frozen=True)
class Means:
    """Means of the metric over the listeners of a part and over fits."""

    n: int
    """Eligible listeners in the part."""
    champion: Number
    challenger: Number


@dataclass(frozen=True)
class PairNight:
    """One night's comparison of a challenger with the champion, as later nights need it."""

    as_of: str
    """The night, YYYY-MM-DD."""
    means: Mapping[str, Means]
    """For each of PARTS."""
    days: Mapping[str, DayDifference]
    """Parts of the difference by day, for all listeners."""
    champion_fits: int
    challenger_fits: int
    log_ratio: Number = math.nan
    """Logarithm of the ratio of means, where the refresh lane's memory needs it."""
    served: bool = False
    """Whether the challenger of this night was served afterwards, where the refresh lane's memory needs it."""


@dataclass(frozen=True)
class Earlier:
    """Earlier comparisons of a pair.

    Attributes:
        nights: the oldest first.
        influence: shape (n_nights, len(PARTS), N_GROUPS), sums of the listeners' influences by group.
        days: days of other nights of the pair, on which it was compared but not judged: they tell how much days vary.
    """

    nights: tuple[PairNight, ...]
    influence: Floats
    days: Mapping[str, DayDifference] = field(default_factory=dict)


@dataclass(frozen=True)
class Sample:
    """A recipe's figures of one night.

    Attributes:
        ndcg: shape (n_fits, n_listeners).
        daily: shape (n_days, n_listeners), each day's part of NDCG, averaged over fits.
    """

    ndcg: Floats
    daily: Floats


@dataclass(frozen=True)
class Cells:
    """Whose figures a night's arrays hold.

    Attributes:
        days: YYYY-MM-DD of each row of `daily`.
        groups: the random group of each listener.
        slices: for each slice, bool of shape (n_listeners,).
    """

    days: tuple[str, ...]
    groups: Groups
    slices: Mapping[str, Bools]

    def members(self, part: str) -> Bools:
        """Return the listeners of a part, bool of shape (n_listeners,)."""
        return np.ones(len(self.groups), np.bool_) if part == EVERYONE else self.slices[part]


def influence(challenger: Floats, champion: Floats) -> Floats:
    """Return each listener's influence (d_u − Δ)/n on the difference: float64 of shape (n_listeners,).

    Args:
        challenger: the metric, shape (n_fits, n_listeners).
        champion: the metric, shape (n_fits, n_listeners); the number of fits may differ.
    """
    differences = challenger.mean(axis=0) - champion.mean(axis=0)
    centred: Floats = (differences - differences.mean()) / max(len(differences), 1)
    return centred


def pair_night(challenger: Sample, champion: Sample, cells: Cells, as_of: str) -> tuple[PairNight, Floats]:
    """Return tonight's comparison, and its influences by group: float64 of shape (len(PARTS), N_GROUPS)."""
    means, rows = {}, []
    for part in PARTS:
        chosen = cells.members(part)
        ours, theirs = challenger.ndcg[:, chosen], champion.ndcg[:, chosen]
        n = int(chosen.sum())
        means[part] = Means(n, float(theirs.mean()) if n else math.nan, float(ours.mean()) if n else math.nan)
        rows.append(by_group(influence(ours, theirs), cells.groups[chosen]) if n else np.zeros(N_GROUPS))
    days = day_differences(challenger.daily, champion.daily, cells.days)
    return PairNight(as_of, means, days, len(champion.ndcg), len(challenger.ndcg)), np.stack(rows)


@dataclass(frozen=True)
class Pool:
    """The estimates of some nights, and where their errors come from.

    Attributes:
        n: tonight's listeners.
        champion: shape (n_nights,), the champion's means.
        challenger: shape (n_nights,), the challenger's means.
        listeners: shape (n_nights, n_nights), covariance of the differences by shared listeners.
        n_clusters: listeners, or groups of them, that this covariance is estimated from.
        exposure: shape (n_nights, n_days), see `exposure`.
        days: variance of day shocks.
        fits: shape (2, n_nights), 1/K of champion and challenger.
    """

    n: int
    champion: Floats
    challenger: Floats
    listeners: Floats
    n_clusters: int
    exposure: Floats
    days: DayVariance
    fits: Floats

    @property
    def differences(self) -> Floats:
        """Return each night's difference, shape (n_nights,)."""
        return self.challenger - self.champion

    def covariance(self, seeds: tuple[float, float]) -> Floats:
        """Return the covariance of the nights' differences, shape (n_nights, n_nights).

        Args:
            seeds: ŝ² of champion and challenger, the variance of a fit that all listeners share.
        """
        shocks = self.days.value * (self.exposure @ self.exposure.T)
        total: Floats = self.listeners + shocks + np.diag(np.array(seeds) @ self.fits)
        return total


def pool(
    nights: Sequence[PairNight],
    influences: Floats,
    part: str = EVERYONE,
    other_days: Mapping[str, DayDifference] | None = None,
) -> Pool:
    """Return the pooled estimates of some nights of a pair.

    Args:
        nights: the oldest first.
        influences: shape (n_nights, len(PARTS), N_GROUPS).
        part: of PARTS, whose listeners are compared. Shocks are those of all listeners, relative to the part's mean: a
            slice alone would show its own noise.
        other_days: more days of the pair, from which the variance of shocks is estimated, too.
    """
    means = [night.means[part] for night in nights]
    everyone = [night.means[EVERYONE].champion for night in nights]
    rows = influences[:, PARTS.index(part)]
    filled = int((rows != 0).any(axis=0).sum())
    # If no listener differs there is no variance; if a single group does, it cannot be estimated.
    correction = filled / (filled - 1) if filled > 1 else math.nan if filled else 1.0
    scale = [m.champion / whole if whole > 0 else math.nan for m, whole in zip(means, everyone, strict=True)]
    days = [night.days for night in nights]
    return Pool(
        n=means[-1].n,
        champion=np.array([m.champion for m in means]),
        challenger=np.array([m.challenger for m in means]),
        listeners=rows @ rows.T * correction,
        n_clusters=max(filled, 2),
        exposure=exposure(days, scale),
        days=day_variance([other_days or {}, *days]),
        fits=np.array([[1 / night.champion_fits, 1 / night.challenger_fits] for night in nights]).T,
    )
