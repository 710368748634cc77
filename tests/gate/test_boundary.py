"""Boundaries of repeated analyses, against an independent integration of the normal distribution."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm

from pipeline.gate.boundary import boundaries


def overlapping(n: int, *, window: int = 7, own: float = 0.3) -> np.ndarray:
    """Nights whose windows share days, and whose fits share nothing."""
    lag = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    return (1 - own) * np.clip(1 - lag / window, 0, None) + own * np.eye(n)


def correlation_of_means(covariance: np.ndarray) -> np.ndarray:
    n = len(covariance)
    means = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    pooled = means @ covariance @ means.T
    spread = np.sqrt(np.diag(pooled))
    return pooled / np.outer(spread, spread)


@pytest.mark.parametrize("alpha", [1e-3, 0.01])
def test_each_analysis_spends_its_part_by_scipys_integration(alpha: float) -> None:
    """P(no crossing up to t) by scipy's multivariate normal distribution function (Genz 1992)."""
    z = boundaries(overlapping(4), [alpha] * 4)
    correlation = correlation_of_means(overlapping(4))
    inside = [
        float(multivariate_normal.cdf(z[:t], np.zeros(t), correlation[:t, :t], abseps=3e-6, releps=1e-6, rng=1))
        for t in range(1, 5)
    ]
    spent = -np.diff([1.0, *inside])
    assert spent == pytest.approx(alpha, rel=0.1)
    assert spent.sum() == pytest.approx(4 * alpha, rel=0.04)


def test_four_weeks_of_nights_spend_alpha_in_all() -> None:
    """400,000 plain draws: 28 analyses at .05 / 28 each cross in 5 % of horizons."""
    n, covariance = 28, overlapping(28)
    z = boundaries(covariance, [0.05 / n] * n)
    rng, root = np.random.default_rng(1), np.linalg.cholesky(correlation_of_means(covariance) + 1e-12 * np.eye(n))
    crossed = sum(int(((rng.standard_normal((100_000, n)) @ root.T) >= z).any(axis=1).sum()) for _ in range(4))
    assert crossed / 400_000 == pytest.approx(0.05, rel=0.04)


def test_what_overlaps_needs_less_than_a_union_bound() -> None:
    alpha = 0.05 / 10 / 28
    z = boundaries(overlapping(28), [alpha] * 28)
    assert z[0] == pytest.approx(norm.isf(alpha))
    assert z[-1] < 3.0 < norm.isf(alpha)
    assert (np.diff(z) < 0.02).all()


def test_the_same_input_gives_the_same_bits() -> None:
    assert boundaries(overlapping(9), [1e-3] * 9).tobytes() == boundaries(overlapping(9), [1e-3] * 9).tobytes()


def test_without_a_joint_distribution_each_analysis_stands_alone() -> None:
    assert boundaries(None, [0.01, 0.02]) == pytest.approx(norm.isf([0.01, 0.02]))
