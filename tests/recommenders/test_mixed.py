"""Mixed lists: favourites and discoveries in their shares, given or learnt, and erasure of what a listener heard."""

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pipeline.metrics.topk import TopK
from pipeline.params.split import suits
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.mixed import MixedParams
from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.mixing import best_share, interleave, only
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import forget_rows, load_recommender

REPEAT, KNN = RepeatParams(half_life_days=30.0), ItemKnnParams(neighbours=20, weighting="cosine")


def lists(*rows):
    items = np.array(rows, dtype=np.int32)
    return TopK(items, np.where(items < 0, np.nan, 1.0).astype(np.float32))


def recipe(**fields):
    return MixedParams(members=("repeat", "knn"), member_recipes=(REPEAT, KNN), **fields)


def night(n=40, n_items=30, *, again=1.0, seed=0):
    """Everyone plays half of one of two sets of items; of the tuning week, a share `again` are items of before."""
    rng = np.random.default_rng(seed)
    mine = np.arange(n_items)[None, :] % 2 == np.arange(n)[:, None] % 2
    earlier = mine & (rng.random(mine.shape) < 0.6)
    week = mine & np.where(rng.random(mine.shape) < again, earlier, ~earlier) & (rng.random(mine.shape) < 0.5)
    weights = sp.csr_matrix(earlier * rng.uniform(1, 9, mine.shape), dtype=np.float32)
    data = Interactions(weights, np.zeros(weights.nnz, np.int32))
    return Interactions(
        weights, data.age_days, Tuning(data, sp.csr_matrix(week), week.sum(axis=1).astype(np.int32), only_new=False)
    )


@settings(deadline=None)
@given(tenths=st.integers(0, 10), k=st.integers(1, 20))
def test_every_beginning_has_its_share(tenths, k):
    own, new = lists(np.arange(20)), lists(np.arange(20, 40))
    listed = interleave(own, new, share=tenths / 10, k=k).items[0]
    favourites = np.cumsum(listed < 20)
    assert (np.abs(favourites - tenths / 10 * np.arange(1, k + 1)) <= 0.5 + 1e-9).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_short_side_is_filled_by_the_other_and_nothing_by_nothing(share):
    found = interleave(lists([1, -1], [-1, -1], [-1, -1]), lists([5, 6], [7, -1], [-1, -1]), share=share, k=3)
    assert [set(row[row >= 0].tolist()) for row in found.items] == [{1, 5, 6}, {7}, set()]
    assert np.isnan(found.scores[found.items < 0]).all()
    assert (np.diff(found.scores[0]) < 0).all()


def test_favourites_are_what_was_heard_alone():
    heard = sp.csr_matrix(np.array([[1, 0, 1, 0]], dtype=np.float32))
    assert only(lists([3, 2, 1, 0]), heard).items.tolist() == [[2, 0, -1, -1]]


def test_a_given_share_is_kept_and_both_sides_are_what_they_are_called():
    data = night()
    for share in (0.0, 0.3, 1.0):
        model = build(recipe(share_known=share)).fit(data, rng=np.random.default_rng(0))
        items = model.recommend(np.arange(4, dtype=np.int32), k=4).items
        known = np.asarray(data.weights[:4].toarray() > 0)[np.arange(4)[:, None], items]
        assert known.mean() == {0.0: 0.0, 0.3: 0.25, 1.0: 1.0}[share]


def test_the_share_follows_what_people_did_and_what_the_new_is_worth():
    def learnt(again, worth):
        return build(recipe(worth_of_new=worth, tuned_at=5)).fit(night(again=again), rng=np.random.default_rng(0)).share

    assert learnt(1.0, 0.5) > 0.8
    assert learnt(0.0, 0.5) < 0.2
    assert learnt(0.5, 0.9) < learnt(0.5, 0.1)


def test_without_evidence_the_share_is_one_half():
    nothing = sp.csr_matrix((2, 4))
    none = np.zeros(2, np.int32)
    sides = (lists([0], [1]), lists([2], [3]))
    told = {"known": nothing, "new": nothing, "n_known": none, "n_new": none, "worth_of_new": 0.5, "k": 2}
    assert best_share(*sides, **told) == 0.5
    data = night()
    alone = Interactions(data.weights, data.age_days)
    assert build(recipe()).fit(alone, rng=np.random.default_rng(0)).share == 0.5


def test_an_erased_listener_has_no_list_left(tmp_path):
    model = build(recipe(share_known=0.5)).fit(night(), rng=np.random.default_rng(0))
    model.save(tmp_path)
    forget_rows(tmp_path, [3])
    left = load_recommender(tmp_path)
    assert left.heard[3].nnz == 0
    assert (left.recommend(np.array([3], dtype=np.int32), k=5).items == -1).all()
    kept = np.array([4], dtype=np.int32)
    np.testing.assert_array_equal(left.recommend(kept, k=5).items, model.recommend(kept, k=5).items)


def test_two_members_are_needed_and_a_target_that_lists_what_was_heard():
    with pytest.raises(ValidationError):
        MixedParams(members=("repeat", "knn", "als"))
    assert not suits("any", "new")
    assert suits("any", "mixed")


def test_members_that_fold_in_make_a_list_that_does():
    als = AlsParams(factors=4, regularization=0.5, confidence=2.0, iterations=5)
    both = MixedParams(members=("knn", "als"), member_recipes=(KNN, als), share_known=0.5)
    data = night()
    model = build(both).fit(data, rng=np.random.default_rng(0))
    folded = model.fold_in(data.weights[:3])
    items = folded.recommend(np.arange(3, dtype=np.int32), k=6).items
    assert (items >= 0).all()
    assert folded.share == model.share
