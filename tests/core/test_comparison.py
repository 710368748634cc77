"""Differences between recipes, and how sure one can be of them."""

from math import isnan, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.core.comparison import compare, fit_variance, upgrade_alpha


def test_the_difference_and_its_error_by_hand() -> None:
    champion = np.array([[0.1, 0.2, 0.3, 0.4]])
    challenger = np.array([[0.2, 0.2, 0.5, 0.5], [0.2, 0.4, 0.3, 0.5]])
    # The listeners' means are .2 .3 .4 .5, so every difference is .1 and its variance 0.
    got = compare(challenger, champion, challenger_fit_variance=0.0002, champion_fit_variance=0.0001)
    assert got.n == 4
    assert got.delta == pytest.approx(0.1)
    assert got.champion_mean == pytest.approx(0.25)
    assert got.se_listeners == pytest.approx(0, abs=1e-12)
    assert got.se == pytest.approx(sqrt(0.0002 / 2 + 0.0001 / 1))
    assert got.lower(0.05) == pytest.approx(0.1 - 1.6448536269514722 * got.se)
    low, high = got.interval()
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * got.se)


def test_the_listeners_part_is_the_paired_t_tests() -> None:
    got = compare(np.array([[1.0, 0.0, 0.5]]), np.zeros((1, 3)), challenger_fit_variance=0, champion_fit_variance=0)
    assert got.se == pytest.approx(sqrt(0.25 / 3))  # the variance of 1, 0, .5 is .25


def test_a_deterministic_recipe_does_not_vary_and_a_single_fit_of_another_says_nothing() -> None:
    fits = np.array([[0.1, 0.3], [0.3, 0.5]])
    assert fit_variance(fits, deterministic=True) == 0
    assert fit_variance(fits, deterministic=False) == pytest.approx(0.02)  # of .2 and .4
    assert isnan(fit_variance(fits[:1], deterministic=False))


def test_other_listeners_are_refused() -> None:
    with pytest.raises(ValueError, match="3 listeners against 2"):
        compare(np.zeros((1, 3)), np.zeros((1, 2)), challenger_fit_variance=0, champion_fit_variance=0)


def test_challengers_share_what_mistakes_the_gate_may_make() -> None:
    assert upgrade_alpha(0.05, n_challengers=4) == 0.05 / 4


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.floats(0.001, 0.49))
def test_the_bound_lies_below_the_difference_and_falls_with_alpha(n: int, fits: int, seed: int, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    got = compare(rng.random((fits, n)), rng.random((2, n)), challenger_fit_variance=1e-4, champion_fit_variance=1e-4)
    assert got.lower(alpha) < got.delta
    assert got.lower(alpha / 2) < got.lower(alpha)
    assert got.se**2 == pytest.approx(got.se_listeners**2 + got.se_fits**2)
    assert got.delta - got.lower(alpha) == pytest.approx(NormalDist().inv_cdf(1 - alpha) * got.se)


def test_two_fits_of_one_recipe_rarely_look_different_once_the_seed_counts() -> None:
    """Identical recipes whose fits share a shift: the paired test alone is fooled, the error with seeds is not."""
    rng = np.random.default_rng(11)
    n_listeners, n_fits, n_nights = 500, 3, 400
    naive = aware = 0
    for _ in range(n_nights):
        taste = rng.random(n_listeners)
        fits = [
            np.array([taste + rng.normal(0, 0.02) + rng.normal(0, 0.02, n_listeners) for _ in range(n_fits)])
            for _ in range(2)
        ]
        luck = [fit_variance(f, deterministic=False) for f in fits]
        naive += compare(*fits, challenger_fit_variance=0, champion_fit_variance=0).lower(0.05) > 0
        aware += compare(*fits, challenger_fit_variance=luck[0], champion_fit_variance=luck[1]).lower(0.05) > 0
    assert naive / n_nights > 0.3
    # Three fits estimate their variance poorly, so a normal quantile still lets somewhat more than 5 % through.
    assert aware / n_nights < 0.15
