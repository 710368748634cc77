"""Drift of the decision window: every distribution can warn, stop the night and be undecided."""

from collections.abc import Callable
from typing import Any

import pytest

from pipeline.validation.drift import drift_facts, drift_suite
from tests.validation.days_of import AS_OF, DECISION_FROM, FEBRUARY, PARAMS, day, held_against

FLAT, SHIFTED = [100] * 24, [0] * 12 + [200] * 12


def report(change: Callable[[bool], dict[str, Any]]) -> tuple[dict[str, Any], Any]:
    """What is found where `change(whether in the window)` replaces facts of days."""
    days = [day(date, **change(date >= DECISION_FROM)) for date in FEBRUARY]
    facts = drift_facts(days, as_of=AS_OF, decision_from=DECISION_FROM, params=PARAMS)
    return facts, held_against(facts, drift_suite(facts, PARAMS), nullable=facts.keys())


def test_identical_days_have_no_drift() -> None:
    facts, found = report(lambda _: {})
    assert facts["psi_hours"] == pytest.approx(0, abs=1e-6)
    assert (facts["top_listener_share"], facts["top_artist_share"]) == (60 / 2400, 100 / 2400)
    assert (found.failures, found.warnings, found.undecided) == ((), (), ())


@pytest.mark.parametrize(
    ("column", "usual", "mild", "strong"),
    [
        ("hours", FLAT, [60] * 12 + [140] * 12, SHIFTED),
        ("durations", [240] * 10, [140] * 5 + [340] * 5, [0] * 5 + [480] * 5),
        ("plays_each", [0, 50, 100, 50, *[0] * 8], [0, 20, 100, 80, *[0] * 8], [0, 0, 0, 200, *[0] * 8]),
    ],
)
def test_some_drift_warns_and_more_stops_the_night(
    column: str, usual: list[int], mild: list[int], strong: list[int]
) -> None:
    _, found = report(lambda late: {column: mild if late else usual})
    assert (found.failures, len(found.warnings)) == ((), 1)
    _, found = report(lambda late: {column: strong if late else usual})
    assert (len(found.failures), len(found.warnings)) == (1, 1)
    assert "have drifted by at most 0.5" in found.failures[0]


def test_a_clock_that_is_six_hours_off_stops_the_night() -> None:
    """Hours as a service of one country may have them, and the same in another time zone."""
    people = [38, 26, 17, 12, 11, 14, 24, 42, 56, 62, 65, 68, 71, 72, 72, 74, 79, 85, 89, 88, 84, 76, 65, 52]
    facts, found = report(lambda late: {"hours": people[6:] + people[:6] if late else people})
    assert facts["psi_hours"] > 0.5
    assert len(found.failures) == 1


def test_a_few_listeners_with_most_of_the_plays_warn() -> None:
    facts, found = report(lambda late: {"top_listener_plays": 600 if late else 60})
    assert facts["top_listener_share"] == 600 / 2400
    assert found.warnings == ("the 1 % most active listeners account for at most 15% of a day's plays (it is 25.0%)",)


def test_an_artist_with_most_of_the_plays_warns() -> None:
    _, found = report(lambda _: {"top_artist_plays": 600})
    assert found.warnings == ("the most played artist accounts for at most 20% of a day's plays (it is 25.0%)",)


def test_a_handful_of_listeners_is_undecided_whatever_it_does() -> None:
    facts, found = report(lambda late: {"people": 6, "hours": SHIFTED if late else FLAT, "top_artist_plays": 2400})
    assert set(facts.values()) == {None}
    assert (found.failures, found.warnings, len(found.undecided)) == ((), (), 8)


def test_a_log_without_durations_has_none_to_compare() -> None:
    facts, _ = report(lambda _: {"durations": [0] * 9 + [2400]})
    assert facts["psi_durations"] is None


def test_no_day_before_the_window_is_undecided() -> None:
    days = [day(date) for date in FEBRUARY if date >= DECISION_FROM]
    facts = drift_facts(days, as_of=AS_OF, decision_from=DECISION_FROM, params=PARAMS)
    assert {facts[name] for name in facts if name.startswith("psi")} == {None}
