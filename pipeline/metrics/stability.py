"""Population stability index: the distance between two distributions."""

import numpy as np
import numpy.typing as npt

_SMOOTHING = 0.5


def population_stability(before: npt.ArrayLike, now: npt.ArrayLike) -> float:
    """Return the population stability index of two histograms over the same bins; NaN if one of them is empty.

    PSI = Σ_b (q_b − p_b) · ln(q_b / p_b), with p and q the shares of bin b before and now: the sum of the
    Kullback–Leibler divergences in both directions. Half a count is added to each bin that is non-empty in either
    histogram, so that a bin that becomes empty has a large but finite effect; bins empty in both are left out.

    Args:
        before: counts, shape (n_bins).
        now: counts, shape (n_bins).
    """
    old, new = np.asarray(before, dtype=float), np.asarray(now, dtype=float)
    if not old.sum() or not new.sum():
        return float("nan")
    used = (old + new) > 0
    p, q = (counts[used] + _SMOOTHING for counts in (old, new))
    p, q = p / p.sum(), q / q.sum()
    return float(np.sum((q - p) * np.log(q / p)))


def stability_by_chance(n_bins: int, n_before: float, n_now: float) -> float:
    """Return the expected index of two samples from the same distribution; infinite if a sample is empty.

    For samples of sizes n and m, PSI / (1/n + 1/m) then follows χ² with n_bins − 1 degrees of freedom (Yurdakul &
    Naranjo 2020), whose mean is n_bins − 1.

    Args:
        n_bins: number of bins of the histograms.
        n_before: number of independent observations before.
        n_now: number of independent observations now.
    """
    if not n_before or not n_now:
        return float("inf")
    return (n_bins - 1) * (1 / n_before + 1 / n_now)
