"""Earlier looks at the same pair of recipes: a gain that is too small for one night to prove is proven by several.

What is kept of a look is each listener's influence on its Δ, (d_u − Δ)/n. Influences of one listener are added up over
the looks before they are squared, so whatever a listener's nights share, the same plays in overlapping decision windows
or a lasting taste, is counted as shared: the listener is the cluster (Liang & Zeger 1986, Biometrika 73). Fits share
nothing, for each night draws its seeds anew.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]

POOLED_NIGHTS = 28
"""Nights before tonight's that are pooled with it: older ones tell of other plays and another catalogue."""


@dataclass(frozen=True)
class Look:
    """One night's comparison of a challenger with the champion.

    Attributes:
        champion: its recipe.
        key: digest of both recipes and of how they are measured; looks of another key say nothing of this pair.
        champion_mean, challenger_mean: the metric, over listeners and fits.
        champion_fits, challenger_fits: K of each.
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
    """What tonight's comparison is pooled with.

    Attributes:
        looks: the sums.
        influence: shape (n_listeners + n_others,), summed over the looks: tonight's listeners first, in their
            order (0 for who is new tonight), then those who were there before and are not tonight.
    """

    looks: EarlierLooks
    influence: Floats


def add_up(looks: Sequence[Look]) -> EarlierLooks:
    """Looks of one key, at least one."""
    return EarlierLooks(
        champion=looks[-1].champion,
        n_looks=len(looks),
        champion_mean=math.fsum(look.champion_mean for look in looks),
        challenger_mean=math.fsum(look.challenger_mean for look in looks),
        champion_shares=math.fsum(1 / look.champion_fits for look in looks),
        challenger_shares=math.fsum(1 / look.challenger_fits for look in looks),
    )


def influence(challenger: Floats, champion: Floats) -> Floats:
    """(d_u − Δ)/n of each listener, from the metric of shape (n_fits, n_listeners) of both."""
    differences = challenger.mean(axis=0) - champion.mean(axis=0)
    centred: Floats = (differences - differences.mean()) / len(differences)
    return centred


def look_at(challenger: Floats, champion: Floats, *, name: str, key: str) -> Look:
    """Tonight's look, for nights to come; `name` is the champion's, arrays as for `influence`."""
    return Look(name, key, float(champion.mean()), float(challenger.mean()), len(champion), len(challenger))
