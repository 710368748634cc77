"""The stability index against its definition by other means, and what chance makes of it."""

import math

import numpy as np
import pytest
from scipy.stats import entropy

from pipeline.metrics.stability import population_stability, stability_by_chance


def test_nothing_has_moved_where_shares_are_the_same() -> None:
    assert population_stability([1000, 3000], [2000, 6000]) == pytest.approx(0, abs=1e-6)


def test_a_quarter_that_moves_is_worked_out_by_hand() -> None:
    many = 10**9  # half a count more or less does not show
    index = population_stability([many, many], [many, 3 * many])
    assert index == pytest.approx((1 / 4 - 1 / 2) * math.log(1 / 2) + (3 / 4 - 1 / 2) * math.log(3 / 2))


def test_it_is_the_divergence_both_ways() -> None:
    rng = np.random.default_rng(1)
    before, now = rng.integers(0, 50, (2, 24))
    p, q = before + 0.5, now + 0.5  # entropy() normalises
    assert population_stability(before, now) == pytest.approx(entropy(p, q) + entropy(q, p))
    assert population_stability(before, now) == pytest.approx(population_stability(now, before))


def test_a_bin_that_falls_empty_counts_for_much_and_is_finite() -> None:
    assert 0.1 < population_stability([100, 900], [0, 1000]) < 10


def test_bins_that_are_empty_in_both_say_nothing() -> None:
    assert population_stability([10, 0, 20], [15, 0, 15]) == population_stability([10, 20], [15, 15])


def test_nothing_against_something_is_undefined() -> None:
    assert math.isnan(population_stability([0, 0], [1, 2]))
    assert math.isnan(population_stability([1, 2], [0, 0]))


def test_chance_alone_gives_what_is_said_of_it() -> None:
    rng = np.random.default_rng(2)
    shares = np.full(12, 1 / 12)
    drawn = [population_stability(rng.multinomial(4000, shares), rng.multinomial(1000, shares)) for _ in range(400)]
    expected = stability_by_chance(12, 4000, 1000)
    assert expected == pytest.approx(11 * (1 / 4000 + 1 / 1000))
    # χ² with 11 degrees of freedom has a standard deviation of √22, over 400 draws of a twentieth of that.
    assert np.mean(drawn) == pytest.approx(expected, rel=4 * math.sqrt(22) / 11 / 20)


def test_nobody_seen_is_any_amount_of_chance() -> None:
    assert stability_by_chance(12, 0, 10) == math.inf
