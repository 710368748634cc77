"""Lifted lists: the bonus by hand, a price that is kept, and nothing lifted without evidence of its price."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.metrics.topk import TopK
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.lifted import LIFTS, LiftedParams, lifted, tail_of
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.registry import build

KNN = ItemKnnParams(neighbours=20, weighting="cosine")


def recipe(**fields):
    return LiftedParams(members=("knn",), member_recipes=(KNN,), candidates=20, tuned_at=5, **fields)


def night(*, tail_wanted, seed=0, n=60, n_items=20):
    """Listeners of popular items (the first ones) and rare ones; in the tuning week they want rare or popular ones."""
    rng = np.random.default_rng(seed)
    chance = np.linspace(0.8, 0.15, n_items)
    earlier = rng.random((n, n_items)) < chance
    wanted = np.arange(n_items) >= n_items // 2 if tail_wanted else np.arange(n_items) < n_items // 2
    week = ~earlier & wanted & (rng.random(earlier.shape) < 0.5)
    weights = sp.csr_matrix(earlier, dtype=np.float32)
    data = Interactions(weights, np.zeros(weights.nnz, np.int32))
    tuning = Tuning(data, sp.csr_matrix(week), week.sum(axis=1).astype(np.int32), only_new=True)
    return Interactions(weights, data.age_days, tuning)


def fit(given, data):
    return build(given).fit(data, rng=np.random.default_rng(0))


def listeners_of_lists(model, data, k=5):
    items = model.recommend(np.arange(data.n_listeners, dtype=np.int32), k=k, exclude=data.weights).items
    heard_by = np.bincount(data.weights.indices, minlength=data.n_items)
    return heard_by[items[items >= 0]].mean()


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), lift=st.floats(0, 3))
def test_lists_are_the_best_of_score_and_bonus(seed, lift):
    rng = np.random.default_rng(seed)
    scores = -np.sort(-rng.integers(0, 5, 8).astype(np.float32))
    items, tail = rng.permutation(12)[:8].astype(np.int32), rng.random(12).astype(np.float32)
    spread = scores[0] - scores[-1]
    scaled = (scores - scores[-1]) / spread if spread > 0 else np.ones_like(scores)
    values = scaled + np.float32(lift) * tail[items]
    expected = sorted(zip(-values, items.tolist(), strict=True))[:3]
    assert lifted(TopK(items[None], scores[None]), tail, lift=lift, k=3).items[0].tolist() == [i for _, i in expected]


def test_a_lift_of_nothing_changes_nothing():
    data = night(tail_wanted=False)
    rows = np.arange(data.n_listeners, dtype=np.int32)
    alone = fit(KNN, data).recommend(rows, k=5, exclude=data.weights)
    np.testing.assert_array_equal(
        fit(recipe(lift=0.0), data).recommend(rows, k=5, exclude=data.weights).items, alone.items
    )


def test_the_greater_the_lift_the_rarer_the_items():
    data = night(tail_wanted=False)
    means = [listeners_of_lists(fit(recipe(lift=lift), data), data) for lift in (0.0, 0.5, 2.0)]
    assert means[0] > means[1] > means[2]


def test_the_lift_is_what_its_price_allows():
    free, dear = (fit(recipe(price=0.02), night(tail_wanted=wanted)).lift for wanted in (True, False))
    assert free == LIFTS[-1]  # where rare items are wanted, lifting them costs nothing
    assert dear < free
    assert fit(recipe(price=1.0), night(tail_wanted=False)).lift >= dear


def test_without_a_tuning_window_nothing_is_lifted():
    data = night(tail_wanted=True)
    assert fit(recipe(), Interactions(data.weights, data.age_days)).lift == 0


def test_the_bonus_is_none_for_the_most_popular_and_whole_for_the_unheard():
    tail = tail_of(sp.csr_matrix(np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 0]])))
    np.testing.assert_allclose(tail, 1 - np.log([4, 3, 2, 1]) / np.log(4), rtol=1e-6)
    assert tail_of(sp.csr_matrix((2, 3))).tolist() == [1, 1, 1]


def test_one_member_is_re_ranked():
    with pytest.raises(ValueError, match="at most 1"):
        LiftedParams(members=("a", "b"))
