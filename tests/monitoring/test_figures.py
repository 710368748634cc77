"""Metrics of lists against later plays, with expected values worked out by hand."""

import datetime as dt

import polars as pl
import pytest

from pipeline.monitoring.figures import new_item_share, serving_figures

MONDAY, TUESDAY = dt.date(2026, 1, 5), dt.date(2026, 1, 6)
Play = tuple[dt.date, str, str, int]


def daily(*rows: Play) -> pl.DataFrame:
    columns = {"day": pl.Date, "listener_id": pl.String, "item_id": pl.String, "n_plays": pl.Int32}
    return pl.DataFrame(list(rows), schema=columns, orient="row")


LISTS = pl.DataFrame(
    [("ann", "a"), ("ann", "b"), ("bob", "a"), ("cay", "c")], schema=["listener_id", "item_id"], orient="row"
)
FALLBACK = pl.DataFrame({"item_id": ["a", "z"]})
PLAYS = daily(
    (MONDAY, "ann", "a", 3),  # on her list
    (TUESDAY, "ann", "a", 1),
    (TUESDAY, "ann", "x", 4),
    (MONDAY, "bob", "z", 5),  # on the fallback, which he was not served
    (TUESDAY, "eve", "z", 2),  # an unknown listener, on the fallback
    (TUESDAY, "eve", "b", 5),
)


def test_hits_are_counted_by_listener_and_plays_by_play() -> None:
    assert serving_figures(PLAYS, LISTS, FALLBACK, min_listeners=1) == {
        "n_active": 3.0,
        "hit_rate": pytest.approx(1 / 2),  # ann of ann and bob
        "play_share": pytest.approx((3 + 1 + 2) / 20),
        "coverage": pytest.approx(2 / 3),
    }


def test_with_too_few_active_listeners_only_their_number_is_reported() -> None:
    found = serving_figures(PLAYS, LISTS, FALLBACK, min_listeners=4)
    assert found == {"n_active": 3.0, "hit_rate": None, "play_share": None, "coverage": None}


def test_shares_without_plays_or_without_lists_are_undefined_and_not_zero() -> None:
    assert serving_figures(daily(), LISTS, FALLBACK, min_listeners=0)["play_share"] is None
    unknown = serving_figures(daily((MONDAY, "eve", "a", 1)), LISTS, FALLBACK, min_listeners=1)
    assert unknown == {"n_active": 1.0, "hit_rate": None, "play_share": 1.0, "coverage": 0.0}


def test_new_items_are_those_of_no_day_before() -> None:
    assert new_item_share(PLAYS, since=TUESDAY) == pytest.approx(2 / 4)  # x and b, of a, x, z, b
    assert new_item_share(PLAYS, since=MONDAY) is None
    assert new_item_share(daily(), since=MONDAY) is None
