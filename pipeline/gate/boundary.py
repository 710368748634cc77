"""Boundaries for repeated analyses of one estimate, exact for their joint distribution.

A challenger is analysed every night on all its nights so far, so that its analyses are strongly correlated. A union
bound over them (Bonferroni) ignores this. Here analysis t crosses its boundary, and none before did, with probability
α_t exactly (Lan & DeMets 1983, Biometrika 70; Jennison & Turnbull 2000, chapter 19), for normal estimates of the given
covariance.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

Floats = npt.NDArray[np.float64]

N_PATHS = 16_384
"""Simulated paths. As they are drawn where crossings happen, the sum of all α_t is kept to within 2 %."""


def boundaries(covariance: Floats | None, alphas: Sequence[float]) -> Floats:
    """Return z_1 … z_T: under no difference, P(Z_1 < z_1, …, Z_{t−1} < z_{t−1}, Z_t ≥ z_t) = α_t.

    Z_t is the mean of the first t nights' estimates, divided by its standard error. The probabilities are computed by
    importance sampling from a fixed sequence: a path is drawn around a crossing at a night chosen at random, and
    weighted by the ratio of densities (balance heuristic, Veach & Guibas 1995). Equal input gives equal output.

    Args:
        covariance: shape (T, T), of the nights' estimates; positive semidefinite. None for independent analyses, whose
            boundaries are the normal quantiles, a union bound.
        alphas: α_1 … α_T, each in (0, 0.5).

    Returns:
        float64 of shape (T,).

    Examples:
        A single analysis has the normal quantile. A second one that repeats the first adds no risk, so that its
        boundary can be lower than the union bound's 1.96:

        >>> [round(float(z), 1) for z in boundaries(np.eye(1), [0.025])]
        [2.0]
        >>> first, second = boundaries(np.array([[1.0, 0.999], [0.999, 1.0]]), [0.025, 0.025])
        >>> bool(second < 1.75)
        True
    """
    n = len(alphas)
    if n == 1 or covariance is None:
        return -ndtri(np.asarray(alphas, dtype=np.float64))
    means = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    pooled = means @ covariance @ means.T
    spread = np.sqrt(np.diag(pooled))
    correlation = pooled / np.outer(spread, spread)
    values, vectors = np.linalg.eigh(correlation)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    normal, around = _draws(n)
    shift = -float(ndtri(min(alphas))) - 0.3
    paths = normal @ root.T + shift * correlation[around]
    # Density of all components together relative to that under no difference, averaged over components.
    weights = 1 / np.exp(shift * paths - shift**2 / 2).mean(axis=1)
    found = np.empty(n)
    for analysis, alpha in enumerate(alphas):
        order = np.argsort(-paths[:, analysis], kind="stable")
        reached = np.cumsum(weights[order]) / N_PATHS
        z = paths[order, analysis]
        found[analysis] = np.interp(alpha, reached, z) if analysis else -ndtri(alpha)
        keep = paths[:, analysis] < found[analysis]
        weights = np.where(keep, weights, 0.0)
    return found


@cache
def _draws(n: int) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return normal draws of shape (N_PATHS, n), and the analysis around whose crossing each path is drawn."""
    rng = np.random.Generator(np.random.PCG64(20260101))
    half = rng.standard_normal((N_PATHS // 2, n))
    normal = np.concatenate([half, -half])
    around = np.tile(np.arange(n), N_PATHS // n + 1)[:N_PATHS]
    normal.setflags(write=False)
    return normal, around
