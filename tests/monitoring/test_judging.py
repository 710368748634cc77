"""A metric that breaks its bound in k of its last n nights gives a warning; a single breach does not."""

import pytest
from pydantic import ValidationError

from pipeline.monitoring.judging import Night, judge_nights, monitor_metrics
from pipeline.params.base import Band
from pipeline.params.monitoring import MonitoringParams

PARAMS = MonitoringParams(
    window_nights=5,
    breached_nights=3,
    median_nights=28,
    min_nights=3,
    min_listeners=1,
    min_hit_rate_ratio=0.5,
    min_play_share_ratio=0.5,
    min_coverage_ratio=0.5,
    max_psi=0.1,
    day_ratio=Band(low=0.5, high=2.0),
    max_new_item_ratio=2.0,
    max_log_age_days=2.0,
    max_lists_age_days=1.0,
)


def nights(figure: str, *values: float | None) -> tuple[Night, ...]:
    entries = [{"as_of": f"2026-01-{day:02}", "figures": {figure: v}} for day, v in enumerate(values, start=1)]
    return judge_nights(entries, PARAMS)


def breached(figure: str, *values: float | None) -> list[bool | None]:
    return [night.judged[figure].breached for night in nights(figure, *values)]


def test_a_fixed_bound_applies_from_the_first_night_and_is_inclusive() -> None:
    assert breached("psi_hours", 0.1, 0.11, None) == [False, True, None]
    assert breached("plays_ratio", 0.49, 0.5, 2.0, 2.01) == [True, False, False, True]


def test_a_bound_by_the_median_waits_for_enough_nights() -> None:
    # With 0.4, 0.2, 0.3 before, half their median is 0.15.
    assert breached("hit_rate", 0.4, 0.2, 0.3, 0.14) == [None, None, None, True]
    assert breached("hit_rate", 0.4, 0.2, 0.3, 0.15) == [None, None, None, False]
    assert nights("hit_rate", 0.4, 0.2, 0.3, 0.14)[-1].judged["hit_rate"].low == pytest.approx(0.15)


def test_an_undefined_value_is_left_out_of_the_median_and_breaks_no_bound() -> None:
    assert breached("hit_rate", 0.4, None, 0.2, 0.3, None, 0.14) == [None, None, None, None, None, True]


def test_two_breaches_in_five_nights_give_no_warning_and_the_third_does() -> None:
    found = nights("log_age_days", 3, 0, 3, 0, 3)
    assert [len(night.warnings) for night in found] == [0, 0, 0, 0, 1]
    assert found[-1].warnings == ("age of the last play: 3.0 d, above 2.0 d (3 of the last 5 nights)",)


def test_a_breach_outside_the_window_does_not_count() -> None:
    assert [len(night.warnings) for night in nights("log_age_days", 3, 3, 0, 0, 0, 3)] == [0] * 6


def test_a_night_within_bounds_never_gives_a_warning() -> None:
    assert [len(night.warnings) for night in nights("log_age_days", 3, 3, 3, 0)] == [0, 0, 1, 0]


def test_a_night_is_judged_by_earlier_nights_only() -> None:
    values = (0.4, 0.2, 0.3, 0.14, 0.9, 0.8)
    assert nights("hit_rate", *values)[:4] == nights("hit_rate", *values[:4])


def test_every_figure_has_a_bound_and_a_group() -> None:
    for metric in monitor_metrics(PARAMS):
        assert (metric.low, metric.high) != (None, None)
        assert metric.group in {"lists", "input", "freshness"}


@pytest.mark.parametrize(
    ("changed", "told"), [({"breached_nights": 6}, "window_nights"), ({"min_nights": 29}, "median")]
)
def test_windows_shorter_than_the_required_count_are_refused(changed: dict[str, int], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        MonitoringParams(**(PARAMS.model_dump() | {"day_ratio": PARAMS.day_ratio} | changed))
