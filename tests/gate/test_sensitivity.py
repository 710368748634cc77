"""Prices at which a verdict turns: it turns there, and not before."""

import math
import time
from typing import Any

import numpy as np
import pytest

from pipeline.gate.balance import weigh
from pipeline.gate.candidates import Tonight
from pipeline.gate.decision import Verdict, decide, prospect
from pipeline.gate.sensitivity import PRICED, at, flips, priced
from pipeline.params.economics import EconomicsParams
from tests.gate.gate_stories import candidate, economics, gate, night, relative, tonight


def duel(gain: float, spread: float, seconds: float) -> Tonight:
    rng = np.random.default_rng(int(1e6 * gain))
    ndcg = np.clip(0.1 * (1 + gain) + rng.normal(0, spread, (1, 1000)), 0, 1)
    cost = night(cpu_seconds=seconds, memory_gib_seconds=seconds, energy_kwh=seconds / 1e5)
    return tonight(candidate("popular", 0.1), candidate("als", 0.1, ndcg=ndcg, night=cost))


def found_flips(case: Tonight, assumed: EconomicsParams, **changes: Any) -> dict[str, float]:
    (upgrade,) = decide(case, gate(**changes), assumed).upgrades
    pair = case.candidates["als"], case.candidates["popular"]
    return {flip.price: flip.flips_at for flip in prospect(upgrade, pair, gate(**changes), assumed).flips}


def test_verdicts_turn_at_their_flip_prices_and_not_a_thousandth_before() -> None:
    rng, tried = np.random.default_rng(5), 0
    for _ in range(60):
        case = duel(float(rng.uniform(0.05, 3)), 0.01, float(rng.uniform(10, 5e4)))
        assumed = economics(listeners=int(rng.integers(2_000, 3_000_000)))
        decision = decide(case, gate(max_cpu_seconds_ratio=1e9), assumed)
        for price, value in found_flips(case, assumed, max_cpu_seconds_ratio=1e9).items():
            if math.isnan(value):
                continue
            ratio = math.copysign(0.001, math.log(value / priced(assumed, price)))
            before, beyond = (
                decide(case, gate(max_cpu_seconds_ratio=1e9), at(assumed, price, value * (1 + sign * ratio))).verdict
                for sign in (-1, 1)
            )
            assert before is decision.verdict
            assert beyond is not decision.verdict
            assert Verdict.INVALID not in {before, beyond}
            tried += 1
    assert tried >= 150


@pytest.mark.parametrize("seed", range(8))
def test_balances_turn_where_savings_and_losses_mix(seed: int) -> None:
    """Proofs that savings buy, gains of either sign, and prices of 0: what pays changes at each flip and not before."""
    rng, tried = np.random.default_rng(seed), 0
    for _ in range(12):
        found = relative(float(rng.normal(0, 0.02)), float(rng.uniform(0.001, 0.01)))
        nights = [night(cpu_seconds=float(rng.uniform(0, 5e4))) for _ in range(2)]
        pair = candidate("als", 0.1, night=nights[0]), candidate("popular", 0.1, night=nights[1])
        card = economics(
            listeners=int(rng.integers(2_000, 3_000_000)),
            maintenance_hours_per_year={name: float(rng.uniform(0, 40)) for name in ("als", "popular")},
            switching_hours={"als": float(rng.integers(0, 2))},
        )
        given = found, found.delta - float(rng.uniform(0, 3)) * found.se, pair
        now = weigh(*given, gate(), card).pays
        for flip in flips(*given, gate(), card):
            if math.isnan(flip.flips_at):
                continue
            beyond = math.copysign(0.0011, flip.flips_at - flip.assumed)
            pays = [weigh(*given, gate(), at(card, flip.price, flip.flips_at * (1 + s * beyond))).pays for s in (-1, 1)]
            assert pays == [now, not now], flip
            tried += 1
    assert tried >= 5


def test_no_nearer_price_turns_the_balance() -> None:
    """Against a search of 400 steps over four orders of magnitude each way."""
    case, assumed = duel(0.4, 0.01, 3e4), economics(listeners=400_000)
    upgrade = decide(case, gate(), assumed).upgrades[0]
    pair = case.candidates["als"], case.candidates["popular"]
    for price, value in found_flips(case, assumed).items():
        origin, nearest = priced(assumed, price), math.inf
        for exponent in np.linspace(-4, 4, 401):
            other = at(assumed, price, origin * 10**exponent)
            there = weigh(upgrade.comparison, upgrade.lower_bound, pair, gate(), other)
            if there.pays != upgrade.balance.pays:
                nearest = min(nearest, abs(exponent))
        if math.isnan(value):
            assert nearest == math.inf, price
        else:
            assert nearest - 0.02 <= abs(math.log10(value / origin)) <= nearest, price


def test_what_does_not_matter_turns_nothing() -> None:
    found = found_flips(duel(0.5, 0.0, 36.0), economics())
    assert set(found) == set(PRICED)
    assert math.isnan(found["prices.storage_gib_month"])  # als stores no more than the popular list here


def test_a_gain_that_is_not_proven_is_turned_by_no_price() -> None:
    """It costs more, so no price makes a loss tolerable."""
    case = duel(0.001, 0.02, 36.0)
    assert not decide(case, gate(), economics()).upgrades[0].balance.gain_proven
    assert all(math.isnan(value) for value in found_flips(case, economics()).values())


def test_the_flip_of_an_hours_price_by_hand() -> None:
    """Doubled by als for sure, machines equal: worth and cost are lognormal, so that P(NB > 0) = .8 where
    ln(N·H·r·ε·ln 2 / C) = z_80 · √(σ_ε² + σ_hours²); C is 8 h + 20 h · 90/365 of work."""
    found = found_flips(duel(1.0, 0.0, 36.0), economics(), true_gain_sd=1e6)
    hours, z80, z95 = 8 + 20 * 90 / 365, 0.8416212335729143, 1.6448536269514722
    spread = math.hypot(math.log(25) / 2, math.log(2)) / z95
    worth = 20000 * 90 * 0.05 * 0.05 * math.log(2)
    assert found["prices.engineering_hour"] == pytest.approx(worth / hours * math.exp(-z80 * spread), rel=0.01)


def test_a_price_of_nothing_is_searched_upwards() -> None:
    assumed = economics(prices=economics().prices.model_copy(update={"engineering_hour": 0.0}))
    case = duel(1.0, 0.0, 36.0)
    value = found_flips(case, assumed)["prices.engineering_hour"]
    passes = [decide(case, gate(), at(assumed, "prices.engineering_hour", value * f)).verdict for f in (0.999, 1.001)]
    assert passes == [Verdict.PROMOTE, Verdict.KEEP]


def test_all_flips_of_a_challenger_take_less_than_a_second_and_a_half() -> None:
    case, assumed = duel(0.4, 0.01, 3e4), economics()
    found_flips(case, assumed)  # SciPy is imported, and the draws are made
    started = time.process_time()
    found_flips(case, assumed)
    assert time.process_time() - started < 1.5


@pytest.mark.parametrize("price", PRICED)
def test_an_assumption_is_changed_alone(price: str) -> None:
    changed = at(economics(), price, 7.0)
    assert priced(changed, price) == 7.0
    assert all(priced(changed, p) == priced(economics(), p) for p in PRICED if p != price)
