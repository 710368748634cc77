"""What a gain is worth and whether it pays, by hand and against independent draws."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pipeline.gate.balance import Balance, weigh
from pipeline.gate.economics import Money
from pipeline.gate.valuation import (
    break_even_gain,
    gain_of,
    needed_gain,
    net_benefits,
    outlook,
    probability,
    tolerated_loss,
    worth,
)
from pipeline.params.economics import EconomicsParams
from tests.gate.gate_stories import candidate, economics, gate, relative

BELIEF = stats.lognorm(s=math.log(0.25 / 0.01) / (2 * stats.norm.ppf(0.95)), scale=0.05)
HOURS = stats.lognorm(s=math.log(2.0) / stats.norm.ppf(0.95))
MACHINE = stats.lognorm(s=math.log(1.25) / stats.norm.ppf(0.95))
EVERYTHING = 20000 * 90 * 0.05
"""The margin of the horizon."""
TAU = 0.05
PAIR = candidate("als", 0.1), candidate("popular", 0.1)


def money(machine: float = 0.0, hours: float = 0.0) -> Money:
    return Money(compute=machine, memory=0, storage=0, energy=0, maintenance=hours, switching=0)


def balance(gain: float, *, cost: float, lower: float | None = None, se: float = 0.0, **changes: Any) -> Balance:
    """The balance of a challenger whose upkeep costs so much over the horizon, its switch nothing."""
    return weigh(relative(gain, se), 0.1 * (gain if lower is None else lower), PAIR, gate(**changes), costing(cost))


def costing(cost: float) -> EconomicsParams:
    hours = 1e4 + cost / 80 * 365 / 90
    return economics(maintenance_hours_per_year={"als": hours, "popular": 1e4}, switching_hours={"als": 0})


def test_doubling_the_metric_is_worth_ln_2_and_halving_it_costs_as_much() -> None:
    assert worth(1.0, economics()) == pytest.approx(EVERYTHING * 0.05 * math.log(2))
    assert worth(-0.5, economics()) == pytest.approx(-EVERYTHING * 0.05 * math.log(2))


def test_worth_is_concave_a_gain_of_100_percent_is_worth_less_than_100_of_1_percent() -> None:
    assert worth(1.0, economics()) / (100 * worth(0.01, economics())) == pytest.approx(
        math.log(2) / (100 * math.log(1.01))
    )


def test_a_metric_cannot_lose_more_than_all_it_has() -> None:
    """Draws of a loss of 200 % ± 50 % are below −100 %, where a logarithm has no value."""
    benefits = net_benefits(gain_of(relative(-2.0, 0.5), 10.0), money(), economics())
    assert np.isfinite(benefits).all()
    assert np.median(benefits) == pytest.approx(EVERYTHING * 0.05 * math.log(0.01), rel=0.03)


def test_a_measured_gain_is_shrunk_by_what_true_gains_are() -> None:
    """τ = 5 % and SE = 5 %: half of the gain is believed, and the variance is halved."""
    found = gain_of(relative(0.04, 0.05), TAU)
    assert found.weight == pytest.approx(0.5)
    assert found.sd == pytest.approx(0.05 / math.sqrt(2))
    assert np.median(found.at(np.array([-1.0, 0.0, 1.0]))) == pytest.approx(0.02)


def test_no_gain_is_relative_to_a_champion_that_finds_nothing() -> None:
    with pytest.raises(ValueError, match="no gain is relative"):
        gain_of(replace(relative(0.1, 0.01), champion_mean=0.0), TAU)


@pytest.mark.parametrize(
    ("machine", "hours", "gain", "se"),
    [(300, 700, 0.2, 0.05), (-50, 900, 0.03, 0.01), (200, -400, -0.02, 0.008)],
)
def test_the_outlook_agrees_with_a_million_independent_draws(
    machine: float, hours: float, gain: float, se: float
) -> None:
    rng, n = np.random.default_rng(7), 1_000_000
    weight = TAU**2 / (TAU**2 + se**2)
    true = rng.normal(gain * weight, se * math.sqrt(weight), n)
    benefit = EVERYTHING * BELIEF.rvs(n, random_state=rng) * np.log(1 + true)
    benefit -= machine * MACHINE.rvs(n, random_state=rng) + hours * HOURS.rvs(n, random_state=rng)
    found = outlook(net_benefits(gain_of(relative(gain, se), TAU), money(machine, hours), economics()))
    assert found.probability_of_benefit == pytest.approx((benefit > 0).mean(), abs=0.005)
    spread = benefit.std()
    assert found.mean == pytest.approx(benefit.mean(), abs=0.01 * spread)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(benefit, (0.05, 0.95))), abs=0.03 * spread)
    evpi = np.maximum(benefit, 0).mean() - max(benefit.mean(), 0)
    assert found.perfect_information == pytest.approx(evpi, abs=0.01 * spread)


def test_the_chance_that_a_sure_gain_pays_is_that_of_the_elasticity() -> None:
    """A gain of 10 % without an SE, and 300 EUR of machines that cost just that: ε must exceed 300 / (N·H·r·ln 1.1)."""
    card = economics(uncertainty=economics().uncertainty.model_copy(update={"machine": 1.0}))
    benefits = net_benefits(gain_of(relative(0.1, 0.0), TAU), money(300.0), card)
    assert probability(benefits) == pytest.approx(BELIEF.sf(300 / (EVERYTHING * math.log(1.1))), abs=1e-3)


def test_knowing_what_is_sure_already_is_worth_nothing() -> None:
    found = outlook(net_benefits(gain_of(relative(0.1, 0.0), TAU), money(), economics()))
    assert found.probability_of_benefit == 1
    assert found.perfect_information == 0


@given(st.floats(-1e4, 1e4))
def test_the_break_even_gain_is_worth_its_cost(cost: float) -> None:
    gain = break_even_gain(cost, economics())
    assert worth(gain, economics()) == pytest.approx(cost, abs=1e-6)


def test_the_break_even_gain_by_hand() -> None:
    assert break_even_gain(EVERYTHING * 0.05 * math.log(1.25), economics()) == pytest.approx(0.25)
    assert math.isnan(break_even_gain(1.0, economics(margin_per_listener_day=0.0)))
    assert math.isnan(break_even_gain(1e9, economics()))  # e to the 222,222 is more than any model gains


@settings(max_examples=30, deadline=None)
@given(st.floats(-500, 3000), st.floats(0.001, 0.05), st.floats(0.5, 0.95))
def test_the_needed_gain_is_where_the_probability_reaches_what_is_required(
    cost: float, se: float, wanted: float
) -> None:
    hours = money(hours=cost)
    needed = needed_gain(gain_of(relative(0.0, se), TAU), hours, economics(), wanted)
    below, above = (
        probability(net_benefits(gain_of(relative(needed + step, se), TAU), hours, economics()))
        for step in (-1e-9, 1e-9)
    )
    assert below < wanted <= above


def test_where_no_gain_is_worth_anything_none_is_needed() -> None:
    worthless = economics(margin_per_listener_day=0.0)
    assert math.isnan(needed_gain(gain_of(relative(0.1, 0.01), TAU), money(1), worthless, 0.8))


def test_savings_buy_the_loss_they_are_worth_and_never_more_than_the_margin() -> None:
    """A unit of ln(1 + g) is worth N·H·r·ε = 4,500 EUR: savings of 9 EUR buy a loss of .2 %."""
    assert tolerated_loss(-9.0, 0.01, economics()) == pytest.approx(0.002)
    assert tolerated_loss(-1e6, 0.01, economics()) == 0.01
    assert tolerated_loss(9.0, 0.01, economics()) == 0
    assert tolerated_loss(-9.0, 0.01, economics(margin_per_listener_day=0.0)) == 0.01
    assert tolerated_loss(9.0, 0.01, economics(margin_per_listener_day=0.0)) == 0


def test_a_little_more_or_less_than_nothing_in_cost_asks_for_no_other_proof() -> None:
    """Continuity at C = 0, where the requirement once jumped from −1 % to +.5 %."""
    costs = (-1e-3, -1e-6, 0.0, 1e-6, 1e-3)
    required = [balance(0.01, cost=cost).required_gain for cost in costs]
    assert required == pytest.approx([0.0] * 5, abs=1e-7)
    assert required == sorted(required)
    chances = [balance(0.01, se=0.005, cost=cost).outlook.probability_of_benefit for cost in costs]
    assert chances == pytest.approx([chances[2]] * 5, abs=1e-3)


@pytest.mark.parametrize("lower", [1e-9, 0.02])
def test_a_gain_above_nothing_is_proven_whatever_it_costs(lower: float) -> None:
    assert balance(0.05, lower=lower, cost=1e6).gain_proven
    assert not balance(0.05, lower=0.0, cost=1e6).gain_proven
    assert not balance(0.05, lower=-1e-9, cost=0.0).gain_proven


def test_a_challenger_pays_if_its_gain_is_proven_and_the_odds_are_good_enough() -> None:
    cheap, dear = (balance(0.05, lower=0.01, se=0.01, cost=cost) for cost in (20.0, 2000.0))
    assert (cheap.gain_proven, cheap.pays) == (True, True)
    assert (dear.gain_proven, dear.pays) == (True, False)
    unproven = balance(0.05, lower=-0.01, se=0.01, cost=20.0)
    assert unproven.outlook.probability_of_benefit >= 0.8
    assert not unproven.pays


def test_one_attitude_to_risk_decides() -> None:
    seen = balance(0.05, lower=0.01, se=0.01, cost=100.0).outlook.probability_of_benefit
    pays = [
        balance(0.05, lower=0.01, se=0.01, cost=100.0, min_probability_of_benefit=wanted).pays
        for wanted in (seen - 1e-9, seen, seen + 1e-9)
    ]
    assert pays == [True, True, False]


def test_a_night_without_alpha_needs_a_gain_that_does_not_exist() -> None:
    assert math.isnan(balance(0.05, lower=-10.0, se=0.01, cost=20.0).needed_gain)  # L is WORST


def test_what_is_needed_for_proof_counts_as_well() -> None:
    """L lies 3 % below Δ, so that +3 % would have been proven; the odds are fine from less on."""
    assert balance(0.02, lower=-0.01, se=0.01, cost=0.0).needed_gain == pytest.approx(0.1 * 0.03)
    assert balance(0.02, lower=-0.01, se=0.01, cost=2000.0).needed_gain > 0.1 * 0.03


def _chance(gain: float, cost: float, card: EconomicsParams) -> float:
    return probability(net_benefits(gain_of(relative(gain, 0.01), TAU), money(hours=cost), card))


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.2, 1.0), st.floats(1, 1e5), st.floats(1.01, 100))
def test_better_odds_with_more_listeners_margin_elasticity_or_gain_and_worse_with_higher_prices(
    gain: float, cost: float, factor: float
) -> None:
    """At a cost above 0; for savings it is the other way round."""
    card = economics()
    before = _chance(gain, cost, card)
    belief = card.elasticity
    stronger = belief.model_copy(update={k: getattr(belief, k) * factor for k in ("median", "low", "high")})
    assert _chance(gain, cost, economics(listeners=round(20000 * factor) + 1)) >= before
    assert _chance(gain, cost, economics(margin_per_listener_day=0.05 * factor)) >= before
    assert _chance(gain, cost, economics(elasticity=stronger)) >= before
    assert _chance(gain + 0.01, cost, card) >= before
    assert _chance(gain, cost * factor, card) <= before
    assert _chance(gain, -cost * factor, card) >= _chance(gain, -cost, card) >= before


def test_the_same_record_gives_the_same_figures() -> None:
    assert balance(0.03, se=0.01, cost=300.0) == balance(0.03, se=0.01, cost=300.0)
