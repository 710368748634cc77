"""How far one distribution has moved from another."""

import numpy as np
import numpy.typing as npt

_SMOOTHING = 0.5


def population_stability(before: npt.ArrayLike, now: npt.ArrayLike) -> float:
    """Population stability index of two histograms over the same bins; NaN where one of them holds nothing.

    PSI = Σ_b (q_b − p_b) · ln(q_b / p_b), p and q the shares of bin b before and now: the Kullback–Leibler divergences
    both ways, summed. Half a count is added to each bin that holds anything in either, so that a bin that falls empty
    counts for much, but not without end; bins that are empty in both say nothing.

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
    """What the index comes to on average where nothing has moved.

    Then PSI / (1/n + 1/m) follows χ² with n_bins − 1 degrees of freedom (Yurdakul & Naranjo 2020), whose mean is
    n_bins − 1.

    Args:
        n_bins: of the histograms.
        n_before: independent observations before.
        n_now: independent observations now.
    """
    if not n_before or not n_now:
        return float("inf")
    return (n_bins - 1) * (1 / n_before + 1 / n_now)
