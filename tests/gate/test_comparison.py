"""Differences between recipes, and how sure one can be of them."""

from math import inf, isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student_t

from pipeline.gate.comparison import EarlierSeeds, SeedVariance, seed_variance, variance_components
from pipeline.gate.comparison import compare_on_listeners as compare


def seeds(challenger: float, champion: float) -> dict[str, SeedVariance]:
    """Variances that are known exactly."""
    return {"challenger_seeds": SeedVariance(challenger, inf), "champion_seeds": SeedVariance(champion, inf)}


def test_the_difference_and_its_error_by_hand() -> None:
    champion = np.array([[0.1, 0.2, 0.3, 0.4]])
    challenger = np.array([[0.2, 0.2, 0.5, 0.5], [0.2, 0.4, 0.3, 0.5]])
    # The listeners' means are .2 .3 .4 .5, so every difference is .1 and its variance 0.
    got = compare(
        challenger, champion, challenger_seeds=SeedVariance(0.0002, inf), champion_seeds=SeedVariance(0.0001, inf)
    )
    assert got.n == 4
    assert got.delta == pytest.approx(0.1)
    assert got.champion_mean == pytest.approx(0.25)
    assert got.se_listeners == pytest.approx(0, abs=1e-12)
    assert got.se == pytest.approx(sqrt(0.0002 / 2 + 0.0001 / 1))
    assert got.lower(0.05) == pytest.approx(0.1 - 1.6448536269514722 * got.se)  # known variances: normal
    low, high = got.interval()
    assert (high - low) / 2 == pytest.approx(1.959963984540054 * got.se)


def test_the_listeners_part_is_the_paired_t_tests() -> None:
    got = compare(np.array([[1.0, 0.0, 0.5]]), np.zeros((1, 3)), **seeds(0, 0))
    assert got.se == pytest.approx(sqrt(0.25 / 3))  # the variance of 1, 0, .5 is .25


def test_a_deterministic_recipe_does_not_vary_and_a_single_fit_of_another_says_nothing() -> None:
    fits = np.array([[0.1, 0.3], [0.3, 0.5]])
    assert seed_variance(fits, deterministic=True) == SeedVariance(0.0, inf)
    found = seed_variance(fits, deterministic=False)
    # Means .2 and .4; every listener rises by .2, so nothing is left that the fits do not explain.
    assert (found.value, found.df, found.of_means) == (pytest.approx(0.02), 1, pytest.approx(0.02))


def test_what_is_a_listeners_own_luck_is_not_the_fits() -> None:
    fits = np.array([[0.1, 0.3], [0.5, 0.3]])
    # Means .2 and .4: variance .02. Residuals ±.1: mean square .04, by 2 listeners .02. Nothing is left for the fits.
    found = seed_variance(fits, deterministic=False)
    assert (found.value, found.of_means) == (pytest.approx(0), pytest.approx(0.02))
    rng = np.random.default_rng(8)
    values = [
        seed_variance(rng.random(400) + rng.normal(0, 0.01, (3, 1)) + rng.normal(0, 0.3, (3, 400)), deterministic=False)
        for _ in range(3000)
    ]
    unclipped = [
        variance_components(rng.normal(0, 0.01, (3, 1)) + rng.normal(0, 0.3, (3, 400)))[0] for _ in range(3000)
    ]
    assert np.mean(unclipped) == pytest.approx(0.01**2, rel=0.15)
    assert np.mean([v.of_means for v in values]) == pytest.approx(0.01**2 + 0.3**2 / 400, rel=0.1)
    assert min(v.value for v in values) == 0
    assert isnan(seed_variance(fits[:1], deterministic=False).value)


def test_other_listeners_are_refused() -> None:
    with pytest.raises(ValueError, match="3 listeners against 2"):
        compare(np.zeros((1, 3)), np.zeros((1, 2)), **seeds(0, 0))


def test_earlier_nights_tell_how_a_recipe_varies_relative_to_their_mean() -> None:
    fits = np.array([[0.1, 0.3], [0.3, 0.5]])  # means .2 and .4: ŝ² = .02 with 1 df, mean .3
    found = seed_variance(fits, deterministic=False, earlier=[EarlierSeeds(0.1, 3.0, 0.1)])
    assert found.df == 4
    assert found.value == pytest.approx((0.02 * 1 + 0.1 * 0.09 * 3) / 4)
    alone = seed_variance(fits[:1], deterministic=False, earlier=[EarlierSeeds(0.1, 3.0, 0.1)])
    assert (alone.value, alone.df) == (pytest.approx(0.1 * 0.04), 3)


def test_few_fits_make_the_bound_wider_than_many() -> None:
    fits = np.random.default_rng(3).random((3, 500))
    few, many = (
        compare(fits + 0.1, fits, challenger_seeds=SeedVariance(1e-3, df), champion_seeds=SeedVariance(1e-3, df))
        for df in (2, 200)
    )
    assert few.se == many.se
    assert few.df == pytest.approx(4, rel=0.01)  # both recipes' 2, and next to nothing of the listeners'
    assert few.delta - few.lower(0.01) == pytest.approx(float(student_t.ppf(0.99, few.df)) * few.se)
    assert few.lower(0.01) < many.lower(0.01)


def test_what_a_night_can_see_and_what_luck_gives() -> None:
    got = compare(np.array([[1.0, 0.0, 0.5]]), np.zeros((1, 3)), **seeds(0, 0))
    z, power = (float(student_t.ppf(p, 2)) for p in (0.95, 0.8))
    assert got.detectable(0.05, bound=0.01) == pytest.approx(0.01 + (z + power) * got.se)
    assert got.shrunk(got.se) == pytest.approx(got.delta / 2)
    assert got.lower(0.0) == -1


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 2**32 - 1), st.floats(0.001, 0.49))
def test_the_bound_lies_below_the_difference_and_falls_with_alpha(n: int, fits: int, seed: int, alpha: float) -> None:
    rng = np.random.default_rng(seed)
    got = compare(rng.random((fits, n)), rng.random((2, n)), **seeds(1e-4, 1e-4))
    assert got.lower(alpha) < got.delta
    assert got.lower(alpha / 2) <= got.lower(alpha)
    assert got.se**2 == pytest.approx(got.se_listeners**2 + got.se_fits**2)
    bound = got.delta - float(student_t.ppf(1 - alpha, got.df)) * got.se
    assert got.lower(alpha) == pytest.approx(max(bound, -1))  # no difference of NDCG is below −1


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
        luck = [seed_variance(f, deterministic=False) for f in fits]
        known = {"challenger_seeds": luck[0], "champion_seeds": luck[1]}
        naive += compare(*fits, **seeds(0, 0)).lower(0.05) > 0
        aware += compare(*fits, **known).lower(0.05) > 0
    assert naive / n_nights > 0.3
    # Of 400 nights at 5 %, 32 or more would come up once in 500 times.
    assert aware < 32


def test_one_fit_that_failed_is_not_hidden_by_a_registry_of_sound_ones() -> None:
    """Fits of 1, 1 and .8 after sixty nights whose fits differed by .1 %: their mean is no estimate to ± .1 %."""
    taste = np.random.default_rng(5).random(500)
    failed = np.array([taste, taste, 0.8 * taste])
    registry = [EarlierSeeds(1e-6, 2.0, 1e-6)] * 60
    found = seed_variance(failed, deterministic=False, earlier=registry)
    assert found.df == 2
    assert found.value == pytest.approx(np.var([1, 1, 0.8], ddof=1) * taste.mean() ** 2, rel=1e-2)
    sound = seed_variance(np.array([taste, 1.001 * taste, 0.999 * taste]), deterministic=False, earlier=registry)
    assert sound.df == 122
    challenger = np.tile(taste * 0.9333, (3, 1))
    known = {"challenger_seeds": SeedVariance(1e-7, 120.0, 1e-7), "champion_seeds": found}
    assert compare(challenger * 1.08, failed, **known).lower(0.001) < 0
