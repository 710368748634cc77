"""Amounts in words, as the sentence, `netgain explain` and the page say them."""

import io
import math
import re
from dataclasses import replace

import pytest
from rich.console import Console

from pipeline.gate.balance import Balance, weigh
from pipeline.gate.record_reader import parse_record
from pipeline.gate.sensitivity import PRICED, Flip, priced
from pipeline.gate.wording import chance, cost_words, money, required_chance, small_share, turning, whole
from pipeline.nightly.explain import explained
from pipeline.reports.render import render
from tests.gate.gate_stories import candidate, economics, gate, relative
from tests.reports.test_page import CASES

BALANCE = weigh(relative(0.1, 0.01), 0.005, (candidate("als", 0.1), candidate("popular", 0.1)), gate(), economics())


def costing(monthly: float, once: float) -> Balance:
    return replace(BALANCE, monthly_cost=monthly, one_off_cost=once)


def likely(probability: float) -> Balance:
    return replace(BALANCE, outlook=replace(BALANCE.outlook, probability_of_benefit=probability))


@pytest.mark.parametrize(
    ("monthly", "once", "words"),
    [
        (53.4, 320.0, "costs 53 EUR a month and 320 EUR once"),
        (1234.5, 0.0, "costs 1,234 EUR a month"),
        (0.2, 320.0, "costs 320 EUR once"),
        (-53.4, 320.0, "saves 53 EUR a month and costs 320 EUR once"),
        (-53.4, 0.0, "saves 53 EUR a month"),
        (0.2, 0.0, "costs nothing more"),
    ],
)
def test_running_and_one_off_cost_are_told_apart(monthly: float, once: float, words: str) -> None:
    assert cost_words(costing(monthly, once), economics()) == words


def test_a_chance_never_looks_like_what_is_required_while_it_is_less() -> None:
    assert [chance(likely(p)) for p in (0.0, 0.34, 0.797, 0.7999, 0.8, 0.804, 1.0)] == [
        "0 %", "34 %", "79.7 %", "79.99 %", "80 %", "80 %", "100 %"
    ]  # fmt: skip
    assert required_chance(BALANCE) == "80 %"
    assert required_chance(replace(BALANCE, required_probability=0.925)) == "92.5 %"


def test_what_is_undefined_is_a_dash_and_nothing_has_no_sign() -> None:
    assert money(math.nan, economics()) == whole(math.nan) == small_share(math.nan) == "–"
    assert (whole(-0.3, sign=True), whole(0.3, sign=True), whole(1.7, sign=True)) == ("0", "0", "+2")


def test_the_number_of_listeners_is_what_turns_a_verdict_first_then_the_nearest_price() -> None:
    near = Flip("margin_per_listener_day", 0.05, 0.049)
    dear = Flip("prices.engineering_hour", 80.0, 181.745)
    assert turning([near, Flip("listeners", 20000, 8803.5), dear], economics()) == "below 8,800 listeners"
    assert turning([near, Flip("listeners", 20000, 3.46e6)], economics()) == "from 3.5 million listeners"
    no_listeners = Flip("listeners", 20000, math.nan)
    said = turning([dear, no_listeners, near], economics())
    assert said == "if the daily margin of a listener were below 0.049 EUR (assumed: 0.05)"
    assert turning([dear], economics()) == "if the price of an hour of people were above 182 EUR (assumed: 80)"
    elastic = turning([Flip("elasticity", 0.05, 0.07)], economics())
    assert elastic == "if the elasticity of value were above 0.07 (published: 0.05)"
    assert turning([no_listeners], economics()) is None


@pytest.mark.parametrize("price", PRICED)
def test_every_price_has_words(price: str) -> None:
    assumed = priced(economics(), price)
    assert turning([Flip(price, assumed, 2 * assumed)], economics())


def printed(case: str) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(explained(CASES[case]))
    return console.export_text()


@pytest.mark.parametrize("case", ["promote", "keep", "refreshed and pooled", "worthless"])
def test_sentence_explanation_page_and_record_give_the_same_amounts(case: str) -> None:
    record, text = parse_record(CASES[case]), printed(case)
    page = re.sub(r"<[^>]*>", " ", render(CASES[case]))
    spoken = next(c for c in record.challengers if c.recipe == record.challenger)
    balance, card = spoken.balance, record.assumptions
    row = next(line for line in text.splitlines() if re.match(rf" *{spoken.recipe} .*\d %$", line.rstrip()))
    for amount in (balance.monthly_cost, balance.one_off_cost):
        assert money(abs(amount), card) in record.sentence
        assert whole(amount, sign=True) in row
        assert money(amount, card, sign=True) in page
    assert whole(balance.outlook.mean, sign=True) in row
    assert money(balance.outlook.mean, card, sign=True) in page
    for told in (row, page, record.sentence):
        assert chance(balance) in told
    assert "(published)" in text
    assert "from published figures" in page


def test_tables_fit_80_columns() -> None:
    rows = [line for line in printed("promote").splitlines() if re.match(r" (challenger|als|item_knn) ", line)]
    assert len(rows) == 6
    assert max(len(row.rstrip()) for row in rows) <= 80
