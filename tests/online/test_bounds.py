"""What is looked at every night: harm bounds and the sample ratio, over whole experiments without any effect."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import chisquare, norm

from pipeline.online.effects import relative_effect
from pipeline.online.power import detectable, power_for, projected
from pipeline.online.ratio import ALPHA, sample_ratio_p, sequential_p
from pipeline.online.sequential import ALPHA as HARM_ALPHA
from pipeline.online.sequential import MIN_DAYS, SHARPEST_AT, reach, upper_bound
from tests.online.test_effects import world


@pytest.mark.parametrize("se", [0.005, SHARPEST_AT, 0.2])
def test_at_the_boundary_the_mixture_martingale_is_one_over_alpha(se: float) -> None:
    """∫ exp(λ S − λ² v / 2) dN(λ; 0, 1/ρ) by quadrature, S = estimate / se², v = 1 / se² (Ville's inequality)."""
    alpha, v = 0.01, 1 / se**2
    both = 2 * alpha
    s = reach(se, 1e9, alpha=alpha) * v
    rho = (1 / SHARPEST_AT**2) / (2 * math.log(1 / both) + math.log(1 + 2 * math.log(1 / both)))
    sd = rho**-0.5
    centre, width = s / (v + rho), (v + rho) ** -0.5
    mixture, _ = quad(
        lambda x: math.exp(x * s - x**2 * v / 2) * norm.pdf(x, scale=sd), centre - 12 * width, centre + 12 * width
    )
    assert mixture == pytest.approx(1 / both, rel=1e-6)


def test_the_bound_is_wider_than_one_look_and_wider_with_few_days() -> None:
    one_look = SHARPEST_AT * norm.isf(HARM_ALPHA / 2)
    assert one_look < reach(SHARPEST_AT, 1e9, alpha=HARM_ALPHA / 2) < 1.6 * one_look
    assert reach(SHARPEST_AT, 4, alpha=HARM_ALPHA / 2) > 2 * reach(SHARPEST_AT, 1e9, alpha=HARM_ALPHA / 2)


def _stopped(rng: np.random.Generator, effect: float, *, arm_shock: float = 0.02) -> bool:
    y, seen, treated, before = world(rng, effect=effect, arm_shock=arm_shock, days=28, n=160)
    for day in range(MIN_DAYS, 29):
        for figure, x in ((y, before), ((y > 0).astype(float), None)):
            found = relative_effect(figure[:, :day], seen[:, :day], treated, x)
            if found is not None and upper_bound(found.value, found.se, found.df) < 0:
                return True
    return False


def test_a_harmless_arm_is_stopped_in_one_of_a_hundred_experiments_at_most() -> None:
    rng = np.random.default_rng(11)
    assert sum(_stopped(rng, 0.0) for _ in range(200)) <= 2 + 2  # 1 % of 200, and its binomial error


def test_an_arm_that_loses_a_fifth_of_the_plays_is_stopped() -> None:
    rng = np.random.default_rng(12)
    assert sum(_stopped(rng, -0.2) for _ in range(40)) >= 38


def test_the_sample_ratio_test_is_pearsons() -> None:
    assert sample_ratio_p([480, 520], [0.5, 0.5]) == pytest.approx(chisquare([480, 520]).pvalue)
    assert sample_ratio_p([30, 70, 10], [0.3, 0.6, 0.1]) == pytest.approx(chisquare([30, 70, 10], [33, 66, 11]).pvalue)
    assert sample_ratio_p([0, 0], [0.5, 0.5]) is None


def test_the_nightly_sample_ratio_test_keeps_its_level_over_many_nights() -> None:
    """At level .02, so that 300 experiments can tell."""
    rng, level, n = np.random.default_rng(13), 0.02, 300
    steps = rng.binomial(400, 0.3, (n, 30)).cumsum(axis=1)
    totals = 400 * np.arange(1, 31)
    ever = sum(
        any(sequential_p([k, m - k], [0.3, 0.7]) <= level for k, m in zip(r, totals, strict=True)) for r in steps
    )
    assert ever / n <= level + 2 * math.sqrt(level * (1 - level) / n)


@pytest.mark.parametrize(("n", "lost"), [(200, 0.8), (2_000, 0.3), (20_000, 0.1), (100_000, 0.05)])
def test_arms_that_lose_listeners_are_found(n: int, lost: float) -> None:
    rng = np.random.default_rng(14)
    for _ in range(50):
        control = rng.binomial(n, 0.5)
        treatment = rng.binomial(n - control, 1 - lost)
        assert sequential_p([control, treatment], [0.5, 0.5]) <= ALPHA


def test_power_is_what_simulated_experiments_have() -> None:
    se, effect = 0.01, detectable(0.01, 1e9)
    assert power_for(effect, se, 1e9) == pytest.approx(0.8)
    drawn = np.random.default_rng(15).normal(effect, se, 20_000)
    assert (drawn / se > norm.isf(0.05)).mean() == pytest.approx(0.8, abs=0.01)
    found = relative_effect(*world(np.random.default_rng(16)))
    assert found is not None
    later, df = projected(found, 4 * found.n_days)
    assert math.sqrt(found.between) < later < found.se
    assert df > found.df
    assert projected(found, 2) == (pytest.approx(found.se), found.df)
