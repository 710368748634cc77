"""Tables fit the terminal, and nothing in them is cut off."""

import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from pipeline.cli import console as console_module
from pipeline.nightly.explain import compared, explained
from pipeline.nightly.show import recipe_table, summary
from pipeline.terminal_table import FittingTable
from tests.gate.made_records import FULL, record
from tests.reports.test_page import CASES

WORDS = st.text("abcdefghij", min_size=1, max_size=12)
HEADS = [f"head{n}" for n in range(6)]


def printed(what: RenderableType, width: int) -> str:
    console = Console(width=width, record=True, file=io.StringIO(), markup=False)
    console.print(what)
    return console.export_text()


def facts(decision: dict[str, Any]) -> dict[str, Any]:
    """Return what a night's summary shows of a decision; counts of rows and checks are made up."""
    balances = {c["recipe"]: c["balance"] for c in decision["challengers"]}
    rows = [
        {
            "recipe": name,
            "role": "champion" if name == decision["champion"] else "challenger",
            "ndcg": found["mean"],
            "recall": 0.0768,
            "coverage": 0.465,
            "gain": None if name == decision["champion"] else {"delta": 1.236, "low": 0.966, "high": 1.506},
            "cpu_seconds": 15.1,
            "peak_rss_bytes": 1.7e9,
            "model_bytes": 3e7,
            "cost_per_month": 53.4,
            "added_per_month": balances[name]["monthly_cost"] if name in balances else None,
            "one_off": balances[name]["one_off_cost"] if name in balances else None,
            "net_benefit": balances[name]["outlook"]["mean"] if name in balances else None,
        }
        for name, found in decision["recipes"].items()
    ]
    reasons = {"bad timestamp": 1187, "not JSON": 1174, "missing listener": 1162}
    read = {"read": 4_750_864, "accepted": 4_676_149, "duplicate": 71_192, "quarantined": 3_523, "files": 42}
    release = {"id": "2026-02-12-072f5d5d3315", "recipe": decision["serve"]["recipe"], "n_listeners": 1500}
    return {
        "as_of": decision["as_of"],
        "rows": read | {"reasons": reasons},
        "checks": {"ingest": {"n_expectations": 30, "undecided": [], "warnings": [], "excluded_listeners": []}},
        "decision": decision,
        "recipes": rows,
        "release": release,
        "monitor": [],
        "outbox": [],
        "ran": ["ingest"],
        "seconds": 269.0,
    }


@given(st.lists(st.lists(WORDS, min_size=6, max_size=6), min_size=1, max_size=4), st.integers(20, 120))
def test_every_cell_is_whole_at_any_width(rows: list[list[str]], width: int) -> None:
    table = FittingTable(*HEADS)
    for row in rows:
        table.add_row(*row)
    text = printed(table, width)
    assert "…" not in text
    assert all(len(line) <= width for line in text.splitlines())
    words = text.split()
    assert all(cell in words for row in rows for cell in row)
    assert all(head in words for head in HEADS)


def test_columns_that_do_not_fit_follow_below_beside_the_first_again() -> None:
    table = FittingTable("recipe", "one", "two", right=("one", "two"))
    table.add_row("als", "1" * 10, "2" * 10)
    assert len([line for line in printed(table, 80).splitlines() if "als" in line]) == 1
    assert [line.split() for line in printed(table, 22).splitlines() if "als" in line] == [
        ["als", "1" * 10],
        ["als", "2" * 10],
    ]


def test_prose_is_wrapped_at_words_and_where_not_even_that_fits_rows_become_lines() -> None:
    table = FittingTable("check", "found", prose=("found",))
    table.add_row("disk", "there is room for more nights than anyone will want to keep")
    wrapped = printed(table, 44)
    assert "check" in wrapped.splitlines()[1]
    said = " ".join(wrapped.split("─")[-1].split())
    assert said == "disk there is room for more nights than anyone will want to keep"
    assert [line.split()[0] for line in printed(table, 24).splitlines()[:2]] == ["check", "found"]


@pytest.mark.parametrize("width", [80, 100, 140])
@pytest.mark.parametrize("case", CASES)
def test_the_screens_of_a_decision_fit(case: str, width: int) -> None:
    decision = CASES[case]
    screens = [explained(decision), compared(decision, decision)]
    if decision["recipes"]:
        screens.append(summary(facts(decision)))
    for text in (printed(screen, width) for screen in screens):
        assert "…" not in text
        assert max(len(line) for line in text.splitlines()) <= width
    for challenger in decision["challengers"]:
        assert f"{challenger['recipe']}" in printed(screens[0], width)


def test_at_80_columns_accuracy_gain_and_money_stand_in_one_row() -> None:
    row = next(line for line in printed(recipe_table(facts(record(FULL))), 80).splitlines() if " als" in line)
    assert len(row.split()) >= 9
    assert "(+96.6 to +150.6)" in row


def test_wide_shows_what_every_guardrail_measures_and_narrow_only_what_was_broken() -> None:
    decision = CASES["keep"]
    (spoken,) = (c for c in decision["challengers"] if c["recipe"] == decision["challenger"])
    broken = [gate["name"] for gate in spoken["gates"] if gate["passed"] is False]
    said = {each["name"]: each["explanation"] for each in decision["guardrails"]}
    wide, narrow = (" ".join(printed(explained(decision, wide=w), 400).split()) for w in (True, False))
    assert all(said[gate["name"]] in wide for gate in spoken["gates"])
    assert [gate["name"] for gate in spoken["gates"] if said[gate["name"]] in narrow] == broken
    assert broken


def test_the_width_is_that_of_the_terminal_or_of_columns_or_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "97")
    assert console_module.console().width == 97
    assert console_module.console(wide=True).width == console_module.WIDE
    monkeypatch.delenv("COLUMNS")

    def none(fd: int) -> Any:
        raise OSError(fd)

    monkeypatch.setattr("os.get_terminal_size", none)
    assert console_module.console().width == console_module.FILE


def test_facts_of_a_night_are_json() -> None:
    assert json.loads(json.dumps(facts(record(FULL))))["recipes"][0]["one_off"] is None
