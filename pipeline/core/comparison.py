"""Is one recipe better than another, given that listeners differ and that fits of one recipe differ too?

A paired test over listeners alone calls two fits of the same recipe different far too often, because every listener
shares the luck of the seed. So the standard error has a term for each recipe's seeds (docs/decision.md).
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Comparison:
    """Challenger − champion on the listeners they share.

    Attributes:
        n: listeners.
        champion_mean: μ0, the champion's metric, over listeners and fits.
        challenger_mean: the challenger's.
        delta: Δ, the mean of the listeners' differences d_u.
        se: standard error of Δ, √(s²(d_u)/n + ŝ²_champion/K + ŝ²_challenger/K).
        se_listeners: its part that more listeners would shrink, √(s²(d_u)/n).
        se_fits: its part that more fits would shrink.
    """

    n: int
    champion_mean: float
    challenger_mean: float
    delta: float
    se: float
    se_listeners: float
    se_fits: float

    def lower(self, alpha: float) -> float:
        """L = Δ − z_{1−α} · SE, above which the true difference lies with probability 1 − α."""
        return self.delta - NormalDist().inv_cdf(1 - alpha) * self.se

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The two-sided interval for Δ."""
        half = NormalDist().inv_cdf(0.5 + level / 2) * self.se
        return self.delta - half, self.delta + half


def compare(
    challenger: Floats, champion: Floats, *, challenger_fit_variance: float, champion_fit_variance: float
) -> Comparison:
    """Compare two recipes on the same listeners.

    Args:
        challenger: shape (n_fits, n_listeners), the metric; rows are fits, columns the same listeners in both.
        champion: shape (n_fits, n_listeners); may have another number of fits.
        challenger_fit_variance: ŝ², see `fit_variance`.
        champion_fit_variance: ŝ².

    Raises:
        ValueError: the listeners are not the same number, or fewer than two.
    """
    n = challenger.shape[1]
    if champion.shape[1] != n or n < 2:
        raise ValueError(f"{n} listeners against {champion.shape[1]}")
    differences = challenger.mean(axis=0) - champion.mean(axis=0)
    listeners = float(differences.var(ddof=1)) / n
    fits = challenger_fit_variance / len(challenger) + champion_fit_variance / len(champion)
    return Comparison(
        n=n,
        champion_mean=float(champion.mean()),
        challenger_mean=float(challenger.mean()),
        delta=float(differences.mean()),
        se=math.sqrt(listeners + fits),
        se_listeners=math.sqrt(listeners),
        se_fits=math.sqrt(fits),
    )


def fit_variance(values: Floats, *, deterministic: bool) -> float:
    """ŝ², the variance of a recipe's mean from fit to fit.

    Args:
        values: shape (n_fits, n_listeners).
        deterministic: whether another seed gives the same model.

    Returns:
        0 for a deterministic recipe; NaN for another that was fitted once: one fit says nothing about its luck.
    """
    if deterministic:
        return 0.0
    return float(values.mean(axis=1).var(ddof=1)) if len(values) > 1 else math.nan


def upgrade_alpha(alpha: float, *, n_challengers: int) -> float:
    """The probability of a mistake that one challenger may spend, α / m: a union bound over tonight's challengers."""
    return alpha / n_challengers
