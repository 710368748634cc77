"""Stored lists, and the churn between those of two nights."""

import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.features.recommendations import churn_between, recommendations
from pipeline.metrics.beyond_accuracy import churn


def table(**lists: list[str]) -> pa.Table:
    return pa.table({"listener_id": list(lists), "item_ids": list(lists.values())})


def test_churn_is_the_share_of_a_list_that_is_new() -> None:
    before = np.array([[1, 2, 3, 4], [5, 6, -1, -1], [7, 8, 9, -1]])
    after = np.array([[4, 3, 2, 1], [5, 9, 7, 8], [-1, -1, -1, -1]])
    # The order does not count; 1 of 4 is left; nothing is left of 3.
    assert churn(before, after) == pytest.approx((0 + 3 / 4 + 1) / 3)
    assert churn(after, before) == churn(before, after)
    assert math.isnan(churn(before[:0], after[:0]))
    assert math.isnan(churn(np.full((2, 3), -1), np.full((2, 2), -1)))


def test_churn_compares_listeners_of_both_nights_by_the_ids_of_items() -> None:
    before = table(ada=["x", "y"], bob=["x", "y"], gone=["x", "y"])
    after = table(bob=["y", "z"], ada=["y", "x"], new=["q", "r"])
    assert churn_between(before, after) == pytest.approx((0 + 1 / 2) / 2)
    assert math.isnan(churn_between(before.slice(0, 0), after))


def test_recommendations_are_the_eligible_listeners_lists_by_name() -> None:
    items = np.array([[1, 0, -1], [2, 1, 0]], dtype=np.int32)
    names, listeners = pa.chunked_array([["a", "b", "c"]]), pa.chunked_array([["ada", "bob"]])
    found = recommendations(items, names, listeners, eligible=pa.chunked_array([["ada", "zoe", "bob"]]))
    assert found.to_pydict() == {
        "listener_id": ["ada", "zoe", "bob"],
        "item_ids": [["b", "a"], [], ["c", "b", "a"]],
    }
