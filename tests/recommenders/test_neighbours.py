import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from pipeline.recommenders import scoring
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.rp3beta import Rp3BetaParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import nearest
from pipeline.recommenders.registry import build

RNG = np.random.default_rng(0)


def interactions(plays):
    weights = sp.csr_matrix(np.array(plays), dtype=np.float32)
    return Interactions(weights, np.zeros(weights.nnz, dtype=np.int32))


def knn(plays, *, weighting="cosine", k=10):
    return build(ItemKnnParams(family="item_knn", neighbours=k, weighting=weighting)).fit(interactions(plays), rng=RNG)


def rp3(plays, *, alpha=1.0, beta=0.0):
    recipe = Rp3BetaParams(family="rp3beta", neighbours=10, alpha=alpha, beta=beta)
    return build(recipe).fit(interactions(plays), rng=RNG)


def test_cosine_of_items_that_share_one_of_two_listeners():
    e = np.e - 1  # log1p(e − 1) = 1
    similarity = knn([[e, e], [e, 0], [0, e]]).similarity.toarray()
    np.testing.assert_allclose(similarity, [[1, 1 / 2], [1 / 2, 1]], rtol=1e-6)


def test_votes_are_dampened_plays_by_similarity():
    e = np.e - 1
    model = knn([[e, e], [e, 0], [0, e**2 + 2 * e]])  # log1p of the last is 2
    scores = model.recommend(np.array([2], dtype=np.int32), k=2)
    assert scores.items.tolist() == [[1, 0]]
    length = np.sqrt(1 + 2**2)
    np.testing.assert_allclose(scores.scores, [[2.0, 2 * 1 / (np.sqrt(2) * length)]], rtol=1e-6)


def test_bm25_gives_less_to_a_listener_who_plays_everything():
    everything, only_two = [1] * 8, [1, 1, 0, 0, 0, 0, 0, 0]
    plays = [everything, only_two, only_two, [0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0, 0]]
    bm25, cosine = knn(plays, weighting="bm25").similarity, knn(plays).similarity
    assert bm25[2, 3] < cosine[2, 3]


def test_three_steps_of_a_walk_by_hand():
    """Listener 0 has items 0 and 1, listener 1 has item 1. From listener 0 to either item with 1/2, from item 0 back to
    listener 0, from item 1 to either listener with 1/2, from there to the items."""
    scores = rp3([[1, 1], [0, 1]]).recommend(np.array([0, 1], dtype=np.int32), k=2)
    to_0 = 1 / 2 * 1 * 1 / 2 + 1 / 2 * 1 / 2 * 1 / 2
    assert scores.items.tolist() == [[1, 0], [1, 0]]
    np.testing.assert_allclose(scores.scores[0], [1 - to_0, to_0], rtol=1e-6)
    np.testing.assert_allclose(scores.scores[1], [3 / 4, 1 / 4], rtol=1e-6)


def test_beta_discounts_by_the_number_of_listeners():
    plain = rp3([[1, 1], [0, 1]]).similarity.toarray()
    discounted = rp3([[1, 1], [0, 1]], beta=0.5).similarity.toarray()
    np.testing.assert_allclose(discounted, plain / np.sqrt([1, 2]), rtol=1e-6)


def test_alpha_raises_each_step():
    twice = rp3([[1, 1], [0, 1]], alpha=2.0)
    np.testing.assert_allclose(twice.profiles.toarray(), [[1 / 4, 1 / 4], [0, 1]], rtol=1e-6)


@given(st.integers(0, 2**16), st.integers(1, 12))
def test_nearest_equals_a_dense_product_whatever_the_block(seed, k):
    rng = np.random.default_rng(seed)
    # Small integers, so that sums are exact and ties are many.
    left = sp.csr_matrix(rng.integers(0, 3, (9, 5)), dtype=np.float32)
    right = sp.csr_matrix(left.T)
    dense = (left @ right).toarray()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scoring, "MAX_BLOCK", 4)
        found = nearest(left, right, k=k).toarray()
    for row, kept in zip(dense, found, strict=True):
        best = [j for j in np.argsort(-row, kind="stable") if row[j] > 0][:k]
        expected = np.zeros(9)
        expected[best] = row[best]
        np.testing.assert_array_equal(kept, expected)
