"""Every amount of money on the page, in the terminal and in the sentence is one of decision.json, and they add up.

The amounts are computed here from the raw record, by none of the functions that show them.
"""

import io
import math
import re
from typing import Any

import pytest
from rich.console import Console

from pipeline.nightly.explain import compared, explained
from pipeline.nightly.show import recipe_table
from pipeline.reports.render import render
from tests.cli.test_tables import facts
from tests.reports.test_page import CASES

DECIDED = ["promote", "keep", "override", "refreshed and pooled", "worthless"]
MONTH = 365 / 12
_AMOUNT = re.compile(r"([+-]?\d[\d,]*(?:\.\d+)?) EUR\b")
RUNNING = ("compute", "memory", "storage", "energy", "maintenance", "content")


def amounts_of(record: dict[str, Any]) -> dict[str, float]:
    """Return every amount that may be shown, by what it is: of the cards, the recipes and the challengers."""
    card, found = record["assumptions"], {}
    months = card["horizon_days"] / MONTH
    found["margin"] = card["margin_per_listener_day"]
    found |= {f"price of {name}": price for name, price in card["prices"].items()}
    for name, recipe in record["recipes"].items():
        if recipe["running_cost"] is not None:
            found[f"{name} runs, a month"] = sum(recipe["running_cost"].get(part, 0) for part in RUNNING) / months
    for each in record["challengers"]:
        name, balance = each["recipe"], each["balance"]
        running = sum(balance["cost"].get(part, 0) for part in RUNNING)
        look = balance["outlook"]
        found |= {f"{name}: {key}": look[key] for key in ("mean", "low", "high", "perfect_information")}
        found |= {
            f"{name}: running": running,
            f"{name}: a month": running / months,
            f"{name}: once": balance["cost"]["switching"],
            f"{name}: reserve": reserve(balance["cost"], card["uncertainty"]),
        }
        if each["prospect"].get("experiment"):
            found |= {f"{name}: of trying, the {key}": each["prospect"]["experiment"][key] for key in ("worth", "cost")}
        found[f"{name}: worth"] = look["mean"] + running + found[f"{name}: once"] + found[f"{name}: reserve"]
    return found


def reserve(cost: dict[str, float], spread: dict[str, float]) -> float:
    """Return the expected excess of cost: exp(σ² / 2) − 1 of a lognormal factor whose 95 % quantile is the spread."""
    machines, people = (math.exp((math.log(spread[kind]) / 1.6448536) ** 2 / 2) - 1 for kind in ("machine", "hours"))
    return machines * sum(cost[part] for part in RUNNING[:4]) + people * (cost["maintenance"] + cost["switching"])


def strays(text: str, record: dict[str, Any]) -> list[str]:
    """Return the amounts in a text that are none of the record; the worth takes up what rounding leaves, 2 at most."""
    known = amounts_of(record)
    exact = {abs(round(value)) for value in known.values()} | {abs(value) for value in known.values()}
    near = [abs(value) for name, value in known.items() if name.endswith(": worth")]

    def fits(amount: float) -> bool:
        return amount in exact or any(abs(amount - value) < 2.5 for value in near)

    return [found for found in _AMOUNT.findall(text) if not fits(abs(_value(found)))]


def screen(what: Any) -> str:
    console = Console(width=400, record=True, file=io.StringIO(), markup=False)
    console.print(what)
    return console.export_text()


def page_text(record: dict[str, Any]) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", render(record)).split())


def _value(amount: str) -> float:
    return float(amount.replace(",", ""))


@pytest.mark.parametrize("case", DECIDED)
def test_every_amount_on_page_terminal_and_sentence_is_one_of_the_record(case: str) -> None:
    record = CASES[case]
    texts = {
        "page": page_text(record),
        "sentence": record["sentence"],
        "explain": screen(explained(record)),
        "what-if": screen(compared(record, record)),
    }
    for where, text in texts.items():
        assert strays(text, record) == [], where
    assert len(_AMOUNT.findall(texts["page"])) >= 20 + 6 * len(record["challengers"])
    assert strays("It costs 54,321 EUR a month.", record) == ["54,321"]


@pytest.mark.parametrize("case", DECIDED)
def test_the_bill_adds_up_on_page_and_terminal(case: str) -> None:
    record = CASES[case]
    bills = {
        "page": re.findall(r"<dt>([^<]*)</dt><dd>([+-]?[\d,]+) EUR</dd>", render(record)),
        "terminal": re.findall(
            r"^ (\S.*?)  +([+-]?[\d,]+) *$", _after(screen(explained(record)), "net benefit over"), re.M
        ),
    }
    for where, lines in bills.items():
        *parts, (what, net) = [(name, _value(amount)) for name, amount in lines]
        assert what == "expected net benefit", where
        assert sum(amount for _, amount in parts) == net, where
        spoken = next(c for c in record["challengers"] if c["recipe"] == record["challenger"])
        assert net == round(spoken["balance"]["outlook"]["mean"]), where
    assert [_value(amount) for _, amount in bills["page"]] == [_value(amount) for _, amount in bills["terminal"]]


@pytest.mark.parametrize("case", DECIDED)
def test_the_tables_of_the_terminal_have_the_amounts_of_the_record(case: str) -> None:
    record, known = CASES[case], amounts_of(CASES[case])
    closing = screen(recipe_table(facts(record)))
    money = _after(screen(explained(record)), "challenger  a month")
    for each in record["challengers"]:
        name = each["recipe"]
        wanted = [round(known[f"{name}: {what}"]) for what in ("a month", "once", "mean")]
        for where, cells in (("closing", _cells(closing, name)[-8:-5]), ("explain", _cells(money, name)[1:4])):
            assert [_value(cell) for cell in cells] == wanted, (where, name)


def _after(text: str, mark: str) -> str:
    return text[text.index(mark) :].split("\n\n\n", maxsplit=1)[0]


def _cells(text: str, recipe: str) -> list[str]:
    row = next(line for line in text.splitlines() if re.match(rf" *{recipe}( |$)", line))
    return [cell for cell in re.split(r"  +", row.strip()) if cell]
