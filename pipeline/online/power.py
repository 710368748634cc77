"""What an experiment could have found so far, and what it will be able to find."""

import math

from scipy.stats import norm, t

from pipeline.online.effects import Effect

ALPHA, POWER = 0.05, 0.8
"""One-sided level and power for which detectable effects are stated."""


def detectable(se: float, df: float) -> float:
    """Return the relative effect that is found with probability POWER at level ALPHA, one-sided."""
    return se * float(t.isf(ALPHA, df) + norm.isf(1 - POWER))


def power_for(effect: float, se: float, df: float) -> float:
    """Return the probability with which an effect is found at level ALPHA, one-sided."""
    return float(norm.sf(float(t.isf(ALPHA, df)) - effect / se))


def projected(found: Effect, n_days: int) -> tuple[float, float]:
    """Return the standard error, and its degrees of freedom, if the experiment goes on to so many days.

    Differences between listeners stay; what listeners do from day to day and what days share averages out.
    """
    n_days = max(n_days, found.n_days)
    variance = found.between + (found.within + found.days) * found.n_days / n_days
    return math.sqrt(variance), found.df * (n_days - 1) / max(found.n_days - 1, 1)
