"""Prices at which a verdict turns: it turns there, and not before."""

import math

import numpy as np
import pytest

from pipeline.gate.balance import weigh
from pipeline.gate.candidates import Tonight
from pipeline.gate.decision import Verdict, decide, prospect
from pipeline.gate.sensitivity import PRICED, at, flips, priced
from pipeline.params.economics import EconomicsParams
from tests.gate.gate_stories import candidate, economics, gate, night, tonight


def duel(gain: float, spread: float, seconds: float) -> Tonight:
    rng = np.random.default_rng(int(1e6 * gain))
    ndcg = np.clip(0.1 * (1 + gain) + rng.normal(0, spread, (1, 1000)), 0, 1)
    cost = night(cpu_seconds=seconds, memory_gib_seconds=seconds, energy_kwh=seconds / 1e5)
    return tonight(candidate("popular", 0.1), candidate("als", 0.1, ndcg=ndcg, night=cost))


def test_verdicts_turn_at_their_flip_prices_and_not_a_thousandth_before() -> None:
    rng, tried = np.random.default_rng(5), 0
    for _ in range(60):
        case = duel(float(rng.uniform(0.05, 3)), 0.01, float(rng.uniform(10, 5e4)))
        assumed = economics(listeners=int(rng.integers(2_000, 3_000_000)))
        decision = decide(case, gate(), assumed)
        (upgrade,) = decision.upgrades
        pair = case.candidates["als"], case.candidates["popular"]
        for flip in prospect(upgrade, pair, gate(), assumed).flips:
            if math.isnan(flip.flips_at):
                continue
            ratio = math.copysign(0.001, math.log(flip.flips_at / flip.assumed))
            before, beyond = (
                decide(case, gate(), at(assumed, flip.price, flip.flips_at * (1 + sign * ratio))).verdict
                for sign in (-1, 1)
            )
            assert before is decision.verdict
            assert beyond is not decision.verdict
            assert Verdict.INVALID not in {before, beyond}
            tried += 1
    assert tried >= 150


def test_what_does_not_matter_turns_nothing() -> None:
    case = duel(0.5, 0.0, 36.0)
    pair = case.candidates["als"], case.candidates["popular"]
    upgrade = decide(case, gate(), economics()).upgrades[0]

    def weigh_at(assumed: EconomicsParams) -> object:
        return weigh(upgrade.comparison, upgrade.lower_bound, pair, gate(), assumed)

    found = {flip.price: flip for flip in flips(weigh_at, economics())}  # type: ignore[arg-type]
    assert set(found) == set(PRICED)
    assert math.isnan(found["prices.storage_gib_month"].flips_at)  # als stores no more than the popular list here


def test_the_flip_of_an_hours_price_by_hand() -> None:
    """Machine costs equal: what is left is 8 h + 20 h · 90/365 of work, at its 80 % quantile, against L · V_q20."""
    case = duel(1.0, 0.0, 36.0)
    assumed = economics()
    upgrade = decide(case, gate(), assumed).upgrades[0]
    pair = case.candidates["als"], case.candidates["popular"]
    found = {f.price: f.flips_at for f in prospect(upgrade, pair, gate(), assumed).flips}
    hours = (8 + 20 * 90 / 365) * 2 ** (0.8416212335729143 / 1.6448536269514722)
    worth = upgrade.lower_bound * upgrade.balance.unit_value_low
    assert found["prices.engineering_hour"] == pytest.approx(worth / hours, rel=1e-4)  # als saves a little energy


@pytest.mark.parametrize("price", PRICED)
def test_an_assumption_is_changed_alone(price: str) -> None:
    changed = at(economics(), price, 7.0)
    assert priced(changed, price) == 7.0
    assert all(priced(changed, p) == priced(economics(), p) for p in PRICED if p != price)
