"""What a quarter of analyses may spend, and who is analysed when."""

import datetime as dt
from typing import Any

import pytest

from pipeline.gate.spending import ANALYSES, Clock, Entrant, analysis_alpha, clocks, quarter

NIGHT = dt.date(2026, 2, 12)
NAMES = ("als", "item_knn")


def entry(as_of: str, *, inputs: str = "a", against: str = "popular", **numbers: int) -> dict[str, Any]:
    """An analysis of some challengers, by the numbers of their analyses."""
    pairs = {
        name: {"key": f"{name}/{against}", "clock": {"status": "running", "analysis": number, "until": None}}
        for name, number in numbers.items()
    }
    return {"as_of": as_of, "inputs": inputs, "definitions": {name: name for name in numbers}, "pairs": pairs}


def found(
    analyses: list[dict[str, Any]],
    names: tuple[str, ...] = NAMES,
    *,
    as_of: dt.date = NIGHT,
    inputs: str = "a",
    against: str = "popular",
    max_entrants: int = 10,
) -> dict[str, Clock]:
    return clocks(
        analyses,
        {name: Entrant(f"{name}/{against}", name) for name in names},
        as_of=as_of,
        inputs=inputs,
        decision_from=as_of - dt.timedelta(days=7),
        max_entrants=max_entrants,
    )


def nights(n: int, first: dt.date, **more: Any) -> list[dict[str, Any]]:
    return [entry((first + dt.timedelta(days=i)).isoformat(), als=i + 1, item_knn=i + 1, **more) for i in range(n)]


def test_all_entrants_together_spend_alpha_and_no_more() -> None:
    assert 10 * ANALYSES * analysis_alpha(0.05, 10) == pytest.approx(0.05)


def test_on_the_first_night_of_all_every_challenger_is_analysed() -> None:
    assert found([]) == {name: Clock("running", 1) for name in NAMES}


def test_each_night_is_another_analysis_until_they_are_spent() -> None:
    before = nights(ANALYSES, dt.date(2026, 1, 2))
    assert found(before[:3])["als"] == Clock("running", 4)
    last = found(before, as_of=dt.date(2026, 2, 20))["als"]
    assert (last.status, last.analysis, last.until) == ("spent", 0, "2026-04-01")
    assert found(before, as_of=dt.date(2026, 4, 1))["als"] == Clock("running", 1)


def test_a_night_that_is_run_again_keeps_its_number_and_with_other_inputs_is_another_analysis() -> None:
    before = nights(3, dt.date(2026, 2, 11))
    assert found(before, as_of=dt.date(2026, 2, 12))["als"] == Clock("running", 2)
    assert found(before, as_of=dt.date(2026, 2, 12), inputs="b")["als"] == Clock("running", 4)


def test_a_new_definition_waits_until_the_window_is_newer_than_it() -> None:
    """Whatever was tried before it entered read days that it is not judged on."""
    before = nights(5, dt.date(2026, 2, 1))
    entered = found(before, ("als", "item_knn", "best_of_100"))
    assert entered["best_of_100"] == Clock("waiting", until="2026-02-19")
    known = [*before, entry("2026-02-12", als=6, item_knn=6, best_of_100=0)]
    for day, status in ((18, "waiting"), (19, "running")):
        later = found(known, ("als", "item_knn", "best_of_100"), as_of=dt.date(2026, 2, day))
        assert later["best_of_100"].status == status
        assert later["als"] == Clock("running", 7)


def test_the_recipes_of_the_first_night_do_not_wait_for_each_other_under_a_new_champion() -> None:
    assert found(nights(1, dt.date(2026, 2, 11)), ("item_knn",), against="als")["item_knn"] == Clock("running", 1)


def test_only_as_many_enter_as_alpha_provides_for() -> None:
    names = tuple(f"r{i}" for i in range(5))
    first = found([], names, max_entrants=3)
    assert [first[name].status for name in names] == ["running"] * 3 + ["full"] * 2
    assert first["r4"].until == "2026-04-01"


def test_what_an_entrant_has_not_spent_is_free_again_when_its_champion_has_gone() -> None:
    """After 14 of 28 analyses of two entrants, half of the α of each is left: two more fit into three."""
    before = nights(14, dt.date(2026, 1, 2))
    assert [c.status for c in found(before, against="als", max_entrants=3).values()] == ["running", "running"]
    assert [c.status for c in found(before, against="als", max_entrants=2).values()] == ["running", "full"]


def test_analyses_by_an_earlier_rule_count_for_nothing() -> None:
    old = {"as_of": "2026-02-11", "inputs": "a", "look": 7, "pairs": {"als": {"key": "als/popular"}}}
    assert found([old])["als"] == Clock("running", 1)


def test_quarters_are_those_of_the_calendar() -> None:
    assert (quarter(dt.date(2026, 3, 31)), quarter(dt.date(2026, 4, 1))) == ("2026-Q1", "2026-Q2")
    assert found(nights(28, dt.date(2025, 11, 1)), as_of=dt.date(2025, 12, 31))["als"].until == "2026-01-01"
