"""Harm bounds that may be looked at every night: the normal mixture confidence sequence.

Robbins (1970); Howard, Ramdas, McAuliffe & Sekhon (2021, eq. 14); as an asymptotic one for estimates with an estimated
standard error, Waudby-Smith et al. (2021). With few days the normal quantile that it uses is replaced by the same
quantile of Student's t.
"""

import math

from scipy.stats import norm, t

ALPHA = 0.005
"""Chance that a harmless arm is ever stopped by one of the figures that are watched: plays and active days."""
MIN_DAYS = 5
"""Days before the first look: with fewer, the standard error of days is a guess."""
SHARPEST_AT = 1 / 60
"""Standard error at which the bound is nearest to that of one look: a third of a loss of 5 %."""


def reach(se: float, df: float, *, alpha: float, sharpest_at: float = SHARPEST_AT) -> float:
    """Return how far the confidence sequence reaches to one side of an estimate.

    Args:
        se: standard error of the estimate.
        df: its degrees of freedom.
        alpha: chance that the truth is ever beyond the bound on that side.
        sharpest_at: standard error at which the sequence is tightest.

    The mixture is two-sided with 2α, which is at most a little wider than a one-sided one.
    """
    both = 2 * alpha
    rho = (1 / sharpest_at**2) / (2 * math.log(1 / both) + math.log(1 + 2 * math.log(1 / both)))
    v = 1 / se**2
    z = math.sqrt((1 + rho / v) * math.log((v + rho) / (rho * both**2)))
    return se * (float(t.isf(norm.sf(z), df)) if df < 1e6 else z)


def upper_bound(value: float, se: float, df: float, *, alpha: float = ALPHA / 2) -> float:
    """Return the bound below which the truth lies on all nights at once, with probability 1 − alpha."""
    return value + reach(se, df, alpha=alpha)
