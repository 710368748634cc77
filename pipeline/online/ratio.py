"""The sample ratio: whether the arms have the listeners that assignment gave them."""

from collections.abc import Sequence

import numpy as np
from scipy.special import gammaln, logsumexp
from scipy.stats import chi2

ALPHA = 0.001
"""An experiment is invalid if this test rejects on any night, over all nights together."""
_CONCENTRATIONS = (10.0, 100.0, 1_000.0, 10_000.0)
"""Of the priors that are mixed: few listeners show a large imbalance, many a small one."""


def sample_ratio_p(counts: Sequence[int], shares: Sequence[float]) -> float | None:
    """Return the P value of Pearson's χ² test that counts follow shares; None without listeners.

    >>> f"{sample_ratio_p([4500, 5500], [0.5, 0.5]):.1e}"
    '1.5e-23'
    """
    n, planned = sum(counts), np.array(shares, dtype=float)
    if not n:
        return None
    expected = n * planned / planned.sum()
    return float(chi2.sf(((np.array(counts) - expected) ** 2 / expected).sum(), len(counts) - 1))


def sequential_p(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Return a P value that may be looked at every night: 1 over the Bayes factor of Dirichlet priors around the shares
    against the shares themselves (Lindon & Malek, NeurIPS 2022). 1 without listeners.

    Under the null, the chance that it is ever at most α is at most α.
    """
    found, planned = np.array(counts, dtype=float), np.array(shares, dtype=float)
    planned = planned / planned.sum()
    prior = np.outer(_CONCENTRATIONS, planned)
    log_factors = (
        gammaln(prior.sum(axis=1))
        - gammaln(prior.sum(axis=1) + found.sum())
        + (gammaln(prior + found) - gammaln(prior)).sum(axis=1)
        - (found * np.log(planned)).sum()
    )
    log_factor = float(logsumexp(log_factors) - np.log(len(_CONCENTRATIONS)))
    return float(np.exp(-max(log_factor, 0.0)))
