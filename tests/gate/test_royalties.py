"""Royalties of lists, and three nights of `thrifty` at the shipped price card, worked out by hand."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from pipeline.configuration import load_params
from pipeline.gate.decision import Decision, Verdict, decide
from pipeline.gate.economics import ContentFigures, royalties
from pipeline.gate.sensitivity import ROYALTIES, flips
from pipeline.json_values import as_json
from pipeline.params.economics import EconomicsParams
from tests.gate.gate_stories import candidate, gate, night, tonight
from tests.gate.made_records import FULL, record

CARD = load_params(Path("params.yaml")).economics
HOURS = {"popular": 2.0, "als": 20.0, "thrifty": 8.0}
SWITCH = {"popular": 0.0, "als": 8.0, "thrifty": 4.0}
DEAR, CHEAP = ContentFigures(0.0, 0.005), ContentFigures(0.0, 0.003)


def card(**changes: Any) -> EconomicsParams:
    return CARD.model_copy(update={"maintenance_hours_per_year": HOURS, "switching_hours": SWITCH} | changes)


def against_als(thrifty: float, *, content: ContentFigures = CHEAP, of_als: ContentFigures = DEAR) -> Decision:
    """als, with the dearer lists, is served; all machines cost the same."""
    served = candidate("als", 0.2, content=DEAR)
    equal = night(n_listeners=CARD.listeners)
    recipes = [
        candidate("popular", 0.1, night=equal),
        candidate("als", 0.2, night=equal, content=of_als),
        candidate("thrifty", thrifty, night=equal, content=content),
    ]
    return decide(tonight(*recipes, served_recipe="als", served=served), gate(), card())


def thrifty_of(decision: Decision) -> Any:
    return next(u for u in decision.upgrades if u.recipe == "thrifty")


def test_royalties_are_listeners_times_days_times_plays_times_the_expected_price() -> None:
    half = ContentFigures(unpriced_share=0.5, priced=0.002)
    assert royalties(half, card()) == pytest.approx(100_000 * 90 * 1.0 * (0.5 * 0.004 + 0.002))
    assert royalties(None, card()) == pytest.approx(100_000 * 90 * 1.0 * 0.004)


def test_thrifty_wins_where_cheaper_lists_save_more_than_they_lose() -> None:
    """It loses .5 % of NDCG for sure: 100,000 · 90 · .02 · .05 · ln(.995) = −45 EUR, and 9,000,000 plays cost .002 EUR
    less each: 18,000 EUR. It takes 12 hours less of upkeep a year and 4 hours of switching."""
    got = against_als(0.199)
    thrifty = thrifty_of(got)
    assert (got.verdict, got.challenger) == (Verdict.PROMOTE, "thrifty")
    assert thrifty.balance.cost.content == pytest.approx(-18_000)
    hours = 4 * 80 - 12 * 90 / 365 * 80
    assert thrifty.balance.cost_total == pytest.approx(-18_000 + hours)
    # The mean of ε is above its median: .05 · exp(σ² / 2).
    sigma = math.log(25) / (2 * 1.6448536269514722)
    loss = 180_000 * 0.05 * math.exp(sigma**2 / 2) * math.log(0.995)
    assert thrifty.balance.outlook.mean == pytest.approx(18_000 - hours + loss, rel=0.01)


def test_thrifty_loses_where_its_lists_are_shown_to_be_worse_than_savings_may_buy() -> None:
    """It saves the same, and 2 % of NDCG are worth only 182 EUR; but no savings buy more than 1 %."""
    got = against_als(0.196)
    assert got.verdict is Verdict.KEEP
    balance = thrifty_of(got).balance
    assert balance.outlook.probability_of_benefit > 0.99
    assert balance.required_gain == pytest.approx(-0.01 * 0.2)
    assert not balance.gain_proven


def test_thrifty_loses_where_its_lists_cost_no_less() -> None:
    """The same accuracy and the same royalties; nothing is proven, and the switch costs 83 EUR."""
    got = against_als(0.2, content=DEAR)
    assert got.verdict is Verdict.KEEP
    assert thrifty_of(got).balance.cost.content == 0


def test_a_night_whose_champion_has_lists_of_unknown_royalties_is_invalid() -> None:
    got = against_als(0.199, of_als=ContentFigures(0.0, math.nan))
    assert got.verdict is Verdict.INVALID
    assert got.faults == ("als has lists of unknown royalties",)
    assert (got.serve_source, got.serve_recipe) == ("served", "als")


@pytest.mark.parametrize("price", ROYALTIES)
def test_the_royalty_at_which_the_balance_turns(price: str) -> None:
    """Half of what popular lists is free, and als pays for all: with less of either, it would pay."""
    usual, half = ContentFigures(1.0, 0.0), ContentFigures(0.5, 0.0)
    pair = (candidate("als", 0.2, content=usual), candidate("popular", 0.1, content=half))
    found = decide(tonight(*reversed(pair)), gate(), card())
    (upgrade,) = found.upgrades
    turns = {f.price: f for f in flips(upgrade.comparison, upgrade.lower_bound, pair, gate(), card())}
    flip = turns[price]
    assert not upgrade.balance.pays
    assert flip.flips_at < flip.assumed


def test_without_royalties_a_record_does_not_mention_them() -> None:
    free = CARD.prices.model_copy(update={"royalty_per_play": 0.0})
    text = str(record(FULL, prices=free)["recipes"]) + str(record(FULL, prices=free)["challengers"])
    assert "content" not in text
    assert "content" in str(record(FULL)["recipes"])


def test_a_field_that_has_its_default_is_left_out_and_read_as_it() -> None:
    from pipeline.gate.economics import Money

    assert "content" not in as_json(Money(1, 2, 3, 4, 5, 6))
    assert as_json(dataclasses.replace(Money(1, 2, 3, 4, 5, 6), content=7))["content"] == 7
