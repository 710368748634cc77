"""Volume of the latest day: each bound is broken once, and undecided with too few data."""

import datetime as dt
from typing import Any

import pytest

from pipeline.validation.volume import volume_facts, volume_suite
from tests.validation.days_of import AS_OF, FEBRUARY, PARAMS, day, held_against

RATIOS = ("plays_ratio", "listeners_ratio", "age_days")


def report(days: list[dict[str, Any]]) -> Any:
    facts = volume_facts(days, as_of=AS_OF, params=PARAMS)
    return held_against(facts, volume_suite(facts, PARAMS), nullable=RATIOS)


def month(**last: Any) -> list[dict[str, Any]]:
    return [day(date) for date in FEBRUARY[:-1]] + [day(FEBRUARY[-1], **last)]


def test_a_usual_day_passes() -> None:
    found = report(month())
    assert (found.failures, found.warnings, found.undecided) == ((), (), ())


def test_a_day_is_compared_with_the_same_weekday_if_there_are_four() -> None:
    sundays = [day(date, plays=9000 if date.weekday() == 6 else 2400) for date in FEBRUARY]
    facts = volume_facts(sundays, as_of=AS_OF, params=PARAMS)
    assert (facts["day"], facts["compared_with"], facts["plays_ratio"]) == ("2026-03-01", 4, 1.0)
    facts = volume_facts(sundays[-20:], as_of=AS_OF, params=PARAMS)
    assert (facts["compared_with"], facts["plays_ratio"]) == (19, 9000 / 2400)


@pytest.mark.parametrize(
    ("last", "warns", "stops"),
    [
        ({"plays": 1199}, ["plays"], []),
        ({"plays": 4801}, ["plays"], []),
        ({"plays": 239}, ["plays"], ["plays"]),
        ({"plays": 24_001}, ["plays"], ["plays"]),
        ({"listeners": 99}, ["listeners"], []),
        ({"listeners": 19}, ["listeners"], ["listeners"]),
        ({"plays": 1200, "listeners": 400}, [], []),
    ],
)
def test_more_or_less_than_usual_warns_and_then_stops(last: dict[str, int], warns: list[str], stops: list[str]) -> None:
    found = report(month(**last))
    assert [f"times the {name} of" in line for name, line in zip(warns, found.warnings, strict=True)] == [True] * len(
        warns
    )
    assert [f"times the {name} of" in line for name, line in zip(stops, found.failures, strict=True)] == [True] * len(
        stops
    )


def test_a_failure_names_the_day_and_both_figures() -> None:
    assert report(month(plays=120)).failures == (
        "2026-03-01 has 0.1 to 10 times the plays of a usual day (it has 120; the median of 4 days is 2,400)",
    )


def test_a_latest_day_that_has_not_landed_stops_the_night() -> None:
    found = report(month()[:-1])
    assert len(found.failures) == 2
    assert found.warnings[-1] == "no day without plays in the last 29 (there are 1)"


def test_a_gap_warns() -> None:
    days = month()
    found = report(days[:10] + days[12:])
    assert (found.failures, found.warnings) == ((), ("no day without plays in the last 29 (there are 2)",))


def test_days_before_the_first_are_not_missing() -> None:
    assert report(month()[-10:]).warnings == ()


def test_a_short_history_is_undecided() -> None:
    found = report(month(plays=1)[-7:])
    assert (found.failures, found.warnings, len(found.undecided)) == ((), (), 4)


def test_a_handful_of_listeners_is_undecided() -> None:
    found = report([day(date, listeners=29) for date in FEBRUARY[:-1]] + [day(FEBRUARY[-1], listeners=1, plays=1)])
    assert (found.failures, found.warnings, len(found.undecided)) == ((), (), 4)


@pytest.mark.parametrize(("days_ago", "warns", "stops"), [(2, 0, 0), (3, 1, 0), (31, 1, 1)])
def test_a_last_play_that_is_old_warns_and_then_stops(days_ago: int, warns: int, stops: int) -> None:
    last = day(AS_OF - dt.timedelta(days=days_ago), last_second=0)
    found = report([last])
    assert sum("days old" in line for line in found.warnings) == warns
    assert sum("days old" in line for line in found.failures) == stops


def test_no_day_at_all_is_undecided_here() -> None:
    assert len(report([]).undecided) == 6
