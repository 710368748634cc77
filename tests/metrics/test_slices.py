"""Who is light, heavy and new."""

import datetime as dt

import numpy as np

from pipeline.metrics.slices import listener_slices, slices_of


def some(plays: list[int], days: list[str], light: float = 0.25, heavy: float = 0.25) -> dict[str, np.ndarray]:
    return listener_slices(
        np.array(plays),
        np.array(days, dtype="datetime64[D]"),
        decision_from=dt.date(2026, 3, 1),
        light_share=light,
        heavy_share=heavy,
        new_listener_days=28,
    )


def test_the_quarters_with_the_fewest_and_the_most_plays() -> None:
    got = some([50, 1, 9, 100], ["2025-01-01"] * 4)
    assert got["light"].tolist() == [False, True, False, False]
    assert got["heavy"].tolist() == [False, False, False, True]


def test_ties_at_the_border_come_in() -> None:
    got = some([1, 1, 5, 5], ["2025-01-01"] * 4)
    assert got["light"].tolist() == [True, True, False, False]
    assert got["heavy"].tolist() == [False, False, True, True]


def test_a_share_of_nothing_is_nobody() -> None:
    got = some([1, 2], ["2025-01-01"] * 2, light=0.0, heavy=0.0)
    assert not got["light"].any()
    assert not got["heavy"].any()


def test_new_is_who_was_first_heard_28_days_before_the_decision_window_or_later() -> None:
    got = some([1, 1, 1], ["2026-01-31", "2026-02-01", "2026-02-28"])
    assert got["new"].tolist() == [False, True, True]


def test_who_is_not_in_training_is_new_and_neither_light_nor_heavy() -> None:
    members = some([1, 2, 3, 4], ["2025-01-01"] * 4)
    got = slices_of(np.array([3, -1, 0]), members)
    assert got["new"].tolist() == [False, True, False]
    assert got["light"].tolist() == [False, False, True]
    assert got["heavy"].tolist() == [True, False, False]


def test_without_anyone_in_training_everyone_is_new() -> None:
    got = slices_of(np.array([-1, -1]), some([], []))
    assert got["new"].all()
    assert not got["light"].any()
