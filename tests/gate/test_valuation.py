"""What a gain is worth and how sure its cost is, against SciPy's lognormal and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.gate.comparison import Comparison
from pipeline.gate.economics import Money
from pipeline.gate.valuation import break_even_gain, cost_quantile, net_benefit_low, outlook, unit_value
from tests.gate.gate_stories import economics

BELIEF = stats.lognorm(s=math.log(0.25 / 0.01) / (2 * stats.norm.ppf(0.95)), scale=0.05)
HOURS = stats.lognorm(s=math.log(2.0) / stats.norm.ppf(0.95))
MACHINE = stats.lognorm(s=math.log(1.25) / stats.norm.ppf(0.95))
EVERYTHING = 20000 * 90 * 0.05
"""The margin of the horizon."""


def money(machine: float = 0.0, hours: float = 0.0) -> Money:
    return Money(compute=machine, memory=0, storage=0, energy=0, maintenance=hours, switching=0)


def comparison(delta: float, se: float) -> Comparison:
    return Comparison(1000, 1, 0.1, 0.1 + delta, delta, se, se, 0.0, math.inf)


@pytest.mark.parametrize("quantile", [0.05, 0.2, 0.5, 0.8, 0.95])
def test_a_unit_is_worth_what_the_belief_about_the_elasticity_says(quantile: float) -> None:
    assert unit_value(economics(), 0.1, quantile) == pytest.approx(EVERYTHING * BELIEF.ppf(quantile) / 0.1)


def test_one_percent_is_worth_the_same_for_any_champion() -> None:
    assert unit_value(economics(), 0.05) * 0.05 == pytest.approx(unit_value(economics(), 0.2) * 0.2)


def test_a_high_cost_takes_more_of_what_is_paid_and_less_of_what_is_saved() -> None:
    found = cost_quantile(money(machine=-100, hours=50), economics(), 0.8)
    assert found == pytest.approx(-100 * MACHINE.ppf(0.2) + 50 * HOURS.ppf(0.8))


def test_a_gain_is_valued_low_and_a_loss_high() -> None:
    for lower, quantile in ((0.01, 0.2), (-0.01, 0.8)):
        expected = lower * EVERYTHING * BELIEF.ppf(quantile) / 0.1 - 30 * HOURS.ppf(0.8)
        assert net_benefit_low(lower, money(hours=30), economics(), 0.1) == pytest.approx(expected)


@given(st.floats(1, 1e6), st.floats(0, 1e6))
def test_the_break_even_gain_is_where_the_net_benefit_is_nought(machine: float, hours: float) -> None:
    cost = money(machine, hours)
    gain = break_even_gain(cost, economics(), 0.1)
    high = cost_quantile(cost, economics(), 0.8)
    assert net_benefit_low(gain, cost, economics(), 0.1) == pytest.approx(0, abs=1e-9 * high)


def test_where_no_gain_is_worth_anything_none_breaks_even() -> None:
    assert math.isnan(break_even_gain(money(1), economics(margin_per_listener_day=0.0), 0.1))


def test_the_outlook_agrees_with_independent_draws() -> None:
    cost, gain = money(machine=300, hours=700), comparison(0.03, 0.01)
    rng, n = np.random.default_rng(7), 2_000_000
    benefit = rng.normal(0.3, 0.1, n) * EVERYTHING * BELIEF.ppf(rng.random(n))
    benefit -= 300 * MACHINE.ppf(rng.random(n)) + 700 * HOURS.ppf(rng.random(n))
    found = outlook(gain, cost, economics())
    assert found.probability_of_gain == pytest.approx((benefit > 0).mean(), abs=0.005)
    assert found.mean == pytest.approx(benefit.mean(), rel=0.02)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(benefit, (0.05, 0.95))), rel=0.02)
    evpi = np.maximum(benefit, 0).mean() - max(benefit.mean(), 0)
    assert found.perfect_information == pytest.approx(evpi, rel=0.02)


def test_knowing_what_is_sure_already_is_worth_nothing() -> None:
    found = outlook(comparison(0.1, 0.0), money(), economics())
    assert found.probability_of_gain == 1
    assert found.perfect_information == 0
