"""Pooling with earlier comparisons of the same pair of recipes, which can prove gains too small for a single night.

Each comparison stores every listener's influence on its Δ, (d_u − Δ)/n. A listener's influences are summed over nights
before they are squared: the listener is the cluster (Liang & Zeger 1986, Biometrika 73), so that correlation between a
listener's nights, from overlapping decision windows or stable taste, is accounted for. Fits of different nights are
independent, because each night draws new seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]

POOLED_NIGHTS = 28
"""Number of earlier nights that are pooled with tonight's; older ones have other plays and another catalogue."""


@dataclass(frozen=True)
class Look:
    """One night's comparison of a challenger with the champion.

    Attributes:
        champion: its recipe.
        key: digest of both recipes and of how they are measured; only comparisons with the same key can be pooled.
        champion_mean, challenger_mean: means of the metric over listeners and fits.
        champion_fits, challenger_fits: number of fits K of each.
    """

    champion: str
    key: str
    champion_mean: float
    challenger_mean: float
    champion_fits: int
    challenger_fits: int


@dataclass(frozen=True)
class EarlierLooks:
    """Sums over earlier comparisons of one pair."""

    champion: str
    """The champion of these comparisons."""
    n_looks: int
    """How many comparisons."""
    champion_mean: Number
    """Sum of the champion's means."""
    challenger_mean: Number
    """Sum of the challenger's means."""
    champion_shares: Number
    """Σ 1/K of the champion: the weight of seed noise in its sum of means."""
    challenger_shares: Number
    """Σ 1/K of the challenger."""


@dataclass(frozen=True)
class Earlier:
    """Earlier comparisons that tonight's is pooled with.

    Attributes:
        looks: their sums.
        influence: shape (n_listeners + n_others,), summed over the comparisons: tonight's listeners first, in their
            order (0 for a listener who is new tonight), then listeners of earlier nights who are absent tonight.
    """

    looks: EarlierLooks
    influence: Floats


def add_up(looks: Sequence[Look]) -> EarlierLooks:
    """Return the sums over comparisons of one key, the latest last; at least one is required."""
    return EarlierLooks(
        champion=looks[-1].champion,
        n_looks=len(looks),
        champion_mean=math.fsum(look.champion_mean for look in looks),
        challenger_mean=math.fsum(look.challenger_mean for look in looks),
        champion_shares=math.fsum(1 / look.champion_fits for look in looks),
        challenger_shares=math.fsum(1 / look.challenger_fits for look in looks),
    )


def influence(challenger: Floats, champion: Floats) -> Floats:
    """Return each listener's influence (d_u − Δ)/n on the difference: float64 of shape (n_listeners,).

    Args:
        challenger: the metric, shape (n_fits, n_listeners).
        champion: the metric, shape (n_fits, n_listeners); the number of fits may differ.
    """
    differences = challenger.mean(axis=0) - champion.mean(axis=0)
    centred: Floats = (differences - differences.mean()) / len(differences)
    return centred


def look_at(challenger: Floats, champion: Floats, *, name: str, key: str) -> Look:
    """Return tonight's comparison, to be pooled by later nights.

    Args:
        challenger: the metric, shape (n_fits, n_listeners).
        champion: the metric, shape (n_fits, n_listeners).
        name: the champion's recipe.
        key: see `Look`.
    """
    return Look(name, key, float(champion.mean()), float(challenger.mean()), len(champion), len(challenger))
