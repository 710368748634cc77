"""Lists against what listeners went on to play."""

import datetime as dt
from math import isnan, log2

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.metrics.evaluation import Truth, mean_by_day, measure, summarise
from pipeline.metrics.lists import count_invalid


def truth() -> Truth:
    # Three eligible listeners; a catalogue of two items, and item 2 was played in the decision window alone.
    played = np.array([[1, 0, 0], [0, 1, 1], [0, 0, 1]], dtype=np.bool_)
    some = np.array([True, True, False])
    return Truth(
        relevant=sp.csr_matrix(played),
        first_day=np.array([0, 0, 2, 1], dtype=np.int32),
        days=tuple(dt.date(2026, 3, day) for day in (1, 2, 3)),
        slices={"light": some, "heavy": ~some, "new": np.zeros(3, dtype=np.bool_)},
        popularity=np.array([4, 1], dtype=np.int32),
        n_listeners=4,
    )


def test_a_missing_list_scores_0_and_an_unfindable_item_counts_among_the_relevant() -> None:
    lists = np.array([[1, 0], [0, -1]], dtype=np.int32)
    got = measure(lists, np.array([1, 0, -1]), truth(), n_invalid_lists=0)
    assert got.listener["hit"].tolist() == [1, 1, 0]
    assert got.listener["recall"].tolist() == [1, 1 / 2, 0]
    assert got.catalogue["catalogue_coverage"] == 1
    assert got.catalogue["novelty"] == pytest.approx((0 + 0 + 2) / 3)  # item 0 twice at p = 1, item 1 at p = 1/4


def test_a_hit_counts_on_the_day_of_the_first_play() -> None:
    lists = np.array([[1, 0], [1, 2], [-1, -1]], dtype=np.int32)
    got = measure(lists, np.array([0, 1, 2]), truth(), n_invalid_lists=0)
    ideal = 1 + 1 / log2(3)
    expected = [[1 / log2(3), 0, 0], [1 / ideal, 0, 1 / log2(3) / ideal], [0, 0, 0]]
    assert got.daily.toarray() == pytest.approx(np.array(expected))
    assert np.abs(got.daily.sum(axis=1).A1 - got.listener["ndcg"]).max() < 1e-12


def test_days_are_averaged_over_fits_that_found_other_items() -> None:
    one = measure(np.array([[0], [1], [2]], dtype=np.int32), np.array([0, 1, 2]), truth(), n_invalid_lists=0)
    other = measure(np.array([[1], [2], [2]], dtype=np.int32), np.array([0, 1, 2]), truth(), n_invalid_lists=0)
    assert mean_by_day([one, other]).toarray().tolist() == [[1 / 2, 0, 0], [1 / 2, 0, 1 / 2], [0, 1, 0]]


def test_the_summary_averages_listeners_then_fits_and_keeps_both() -> None:
    good = measure(np.array([[0], [1], [-1]], dtype=np.int32), np.array([0, 1, 2]), truth(), n_invalid_lists=1)
    none = measure(np.full((3, 1), -1, dtype=np.int32), np.array([0, 1, 2]), truth(), n_invalid_lists=0)
    got = summarise([good, none], truth(), k=1)
    assert got["seeds"]["hit_rate_at_1"] == [2 / 3, 0]
    assert got["hit_rate_at_1"] == (2 / 3 + 0) / 2
    assert got["slices"]["light"] == got["slices"]["light"] | {"n": 2, "hit_rate_at_1": 1 / 2}
    assert got["slices"]["new"]["n"] == 0
    assert isnan(got["slices"]["new"]["ndcg_at_1"])
    assert got["n_eligible"] == 3
    assert got["n_fits"] == 2
    assert got["invalid_lists"] == 1


@pytest.mark.parametrize(
    ("items", "scores", "n_bad"),
    [
        ([0, 1, -1], [2.0, 1.0, np.nan], 0),
        ([-1, -1, -1], [np.nan, np.nan, np.nan], 0),
        ([0, 0, 1], [2.0, 1.0, 0.5], 1),
        ([0, -1, 1], [2.0, np.nan, 1.0], 1),
        ([0, 1, 3], [1.0, 2.0, 0.0], 1),
        ([0, 1, 3], [1.0, np.inf, 0.0], 1),
        ([0, 1, 4], [2.0, 1.0, 0.0], 1),
        ([0, 1, -2], [2.0, 1.0, 0.0], 1),
        ([0, 2, 1], [2.0, 1.0, 0.0], 1),
    ],
    ids=["padded", "empty", "twice", "gap", "rising", "infinite", "beyond", "below", "heard"],
)
def test_an_invalid_list_is_counted(items: list[int], scores: list[float], n_bad: int) -> None:
    heard = sp.csr_matrix(np.array([[0, 0, 1, 0]], dtype=np.float32))
    got = count_invalid(np.array([items], np.int32), np.array([scores], np.float32), heard, n_items=4)
    assert got == n_bad
