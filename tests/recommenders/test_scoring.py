"""The best k of all items against a plain float64 reference."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recommenders import scoring
from pipeline.recommenders.scoring import best_dense_votes, best_products, best_votes


def reference(scores, k):
    """Of float64 scores, −inf for what may not be listed: a stable sort settles ties by the lower item."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    items = np.where(np.isneginf(np.take_along_axis(scores, order, axis=1)), -1, order)
    return np.pad(items, ((0, 0), (0, k - items.shape[1])), constant_values=-1)


@given(st.integers(0, 2**16), st.integers(1, 40), st.sampled_from([3, 7, 1024]))
def test_lists_are_those_of_a_plain_sort_with_ties_exclusions_and_unlisted_items(seed, k, tile):
    rng = np.random.default_rng(seed)
    listeners, items = (rng.integers(-2, 3, (n, 2)).astype(np.float32) for n in (11, 29))  # small: many ties
    users = rng.integers(0, 11, 17).astype(np.int32)
    exclude, unlisted = sp.csr_matrix(rng.random((17, 29)) < 0.3), rng.random(29) < 0.2
    scores = listeners[users].astype(np.float64) @ items.T.astype(np.float64)
    scores[exclude.toarray()], scores[:, unlisted] = -np.inf, -np.inf
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TILE_ITEMS", tile)
        patch.setattr(scoring, "MAX_BLOCK", 4)
        found = best_products(listeners, items, users, k=k, exclude=exclude, unlisted=unlisted)
    expected = reference(scores, k)
    np.testing.assert_array_equal(found.items, expected)
    there = expected >= 0
    np.testing.assert_array_equal(found.scores[there], np.take_along_axis(scores, np.maximum(expected, 0), 1)[there])
    assert np.isnan(found.scores[~there]).all()


def test_an_exclusion_that_is_stored_often_keeps_out_that_list_alone():
    listeners, items = np.ones((1, 1), dtype=np.float32), np.arange(1, 9, dtype=np.float32)[:, None]
    often = sp.csr_matrix((np.ones(5_000), np.full(5_000, 7), [0, 5_000, 5_000]), shape=(2, 8))
    found = best_products(listeners, items, np.zeros(2, dtype=np.int32), k=2, exclude=often)
    np.testing.assert_array_equal(found.items, [[6, 5], [7, 6]])


@given(st.integers(0, 2**16), st.integers(1, 40), st.sampled_from([3, 7, 1024]))
def test_votes_that_cancel_are_no_votes_whether_the_right_side_is_sparse_or_dense(seed, k, tile):
    rng = np.random.default_rng(seed)
    left, right = rng.integers(-1, 2, (9, 6)), rng.integers(-1, 2, (6, 23))
    exclude = sp.csr_matrix(rng.random((9, 23)) < 0.3)
    scores = (left @ right).astype(np.float64)
    scores[(scores <= 0) | exclude.toarray()] = -np.inf
    votes, sparse = (sp.csr_matrix(matrix, dtype=np.float32) for matrix in (left, right))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "TILE_ITEMS", tile)
        patch.setattr(scoring, "MAX_BLOCK", 4)
        found = best_votes(votes, sparse, np.arange(9, dtype=np.int32), k=k, exclude=exclude)
        dense = best_dense_votes(votes, sparse.toarray(), np.arange(9, dtype=np.int32), k=k, exclude=exclude)
    np.testing.assert_array_equal(found.items, reference(scores, k))
    np.testing.assert_array_equal(dense.items, found.items)
    np.testing.assert_array_equal(dense.scores, found.scores)


def test_random_factors_give_the_ids_of_a_float64_product():
    rng = np.random.default_rng(0)
    listeners, items = (rng.normal(size=(n, 64)).astype(np.float32) for n in (600, 5000))
    scores = listeners.astype(np.float64) @ items.T.astype(np.float64)
    found = best_products(listeners, items, np.arange(600, dtype=np.int32), k=20).items
    expected = reference(scores, 20)
    # Where single precision orders a pair the other way, their scores are the same to its last digits.
    np.testing.assert_allclose(
        np.take_along_axis(scores, found, 1), np.take_along_axis(scores, expected, 1), rtol=0, atol=2e-5
    )
    assert (found == expected).mean() > 0.999


@pytest.mark.parametrize("rows", [[0, 3], [-1]])
def test_a_row_that_is_not_there_is_an_error_and_not_the_end_of_the_interpreter(rows):
    three, users = np.ones((3, 3), dtype=np.float32), np.array(rows, dtype=np.int32)
    sparse = sp.csr_matrix(three)
    for lists in (
        lambda: best_products(three, three, users, k=1),
        lambda: best_votes(sparse, sparse, users, k=1),
        lambda: best_dense_votes(sparse, three, users, k=1),
    ):
        with pytest.raises(IndexError, match="of 3"):
            lists()
