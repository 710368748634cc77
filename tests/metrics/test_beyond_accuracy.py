"""What lists do to a catalogue."""

from math import isnan, log2

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics.beyond_accuracy import exposure
from pipeline.metrics.catalogue.coverage import catalogue_coverage
from pipeline.metrics.catalogue.gini import gini
from pipeline.metrics.catalogue.novelty import novelty
from pipeline.metrics.catalogue.top_share import top_share


def test_exposure_counts_lists_and_leaves_padding_and_strange_items_out() -> None:
    lists = np.array([[0, 1], [0, -1], [2, 7]], dtype=np.int32)
    assert exposure(lists, 4).tolist() == [2, 1, 1, 0]


def test_coverage_is_the_share_of_items_shown() -> None:
    assert catalogue_coverage(np.array([2, 1, 1, 0])) == 3 / 4


def test_novelty_is_the_mean_self_information() -> None:
    # Items played by half and by an eighth of 8 listeners: 1 and 3 bits; shown three times and once.
    got = novelty(np.array([3, 1, 0]), np.array([4, 1, 8], dtype=np.int32), 8)
    assert got == (3 * -log2(4 / 8) + 1 * -log2(1 / 8)) / 4


def test_gini_of_equal_exposure_is_0_and_of_a_single_item_1_minus_1_over_n() -> None:
    assert gini(np.array([5, 5, 5, 5])) == 0
    assert gini(np.array([0, 7, 0, 0])) == 1 - 1 / 4
    # Σ (2i − n − 1) x_i / (n Σ x) over 1, 3: (−1·1 + 1·3) / (2·4)
    assert gini(np.array([3, 1])) == 2 / 8


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30))
def test_gini_is_half_the_relative_mean_difference(counts: list[int]) -> None:
    x = np.array(counts)
    if x.sum():
        differences = np.abs(x[:, None] - x[None, :]).mean() / (2 * x.mean())
        assert gini(x) == pytest.approx(differences, abs=1e-12)


def test_top_share_takes_one_percent_of_the_catalogue_by_popularity() -> None:
    popularity = np.arange(200, dtype=np.int32)  # the top 1 % are items 198 and 199
    shown = np.zeros(200, dtype=np.int64)
    shown[[0, 198, 199]] = [5, 2, 3]
    assert top_share(shown, popularity) == 5 / 10


def test_ties_at_the_top_go_to_the_lower_index() -> None:
    assert top_share(np.array([3, 1]), np.array([7, 7], dtype=np.int32)) == 3 / 4


def test_nothing_recommended_is_undefined() -> None:
    nothing, popularity = np.zeros(3, dtype=np.int64), np.ones(3, dtype=np.int32)
    assert isnan(gini(nothing))
    assert isnan(novelty(nothing, popularity, 3))
    assert isnan(top_share(nothing, popularity))
    assert catalogue_coverage(nothing) == 0
    assert isnan(catalogue_coverage(np.zeros(0, dtype=np.int64)))
