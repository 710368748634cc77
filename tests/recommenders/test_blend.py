import shutil
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import RecipeError
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.ranking import top_k
from pipeline.metrics.topk import TopK
from pipeline.recommenders.blending import (
    best_weights,
    blend,
    learnt_weights,
    normalised,
    plausibility,
    without_traces,
)
from pipeline.recommenders.families import blend as blend_module
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.blend import BlendParams
from pipeline.recommenders.families.item_knn import ItemKnnParams
from pipeline.recommenders.families.popular import PopularParams
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import load_recommender, stored_bytes

NAN = np.nan
MEMBERS = {
    "popular": PopularParams(family="popular", window_days=14),
    "knn": ItemKnnParams(family="item_knn", neighbours=20, weighting="cosine"),
    "als": AlsParams(family="als", factors=4, regularization=0.5, confidence=2.0, iterations=5),
}
N_LISTENERS, N_ITEMS = 40, 30


def top(items, scores):
    return TopK(np.array(items, np.int32), np.array(scores, np.float32))


def recipe(*names):
    return BlendParams(
        family="blend",
        members=names,
        member_recipes=tuple(MEMBERS[name] for name in names),
        candidates=20,
        tuned_at=5,
    )


def interactions(plays, tuning=None):
    weights = sp.csr_matrix(np.asarray(plays), dtype=np.float32)
    return Interactions(weights, np.zeros(weights.nnz, dtype=np.int32), tuning)


def two_tastes(seed=0):
    """30 listeners play some of the first 15 items, 10 play all of the others: a third of those in the tuning window.
    To be nearest to what the 10 have heard is then all there is to know, and to be popular nothing."""
    rng = np.random.default_rng(seed)
    minority = np.arange(N_LISTENERS) >= 30
    own_taste = minority[:, None] == (np.arange(N_ITEMS) >= 15)
    played = own_taste & (minority[:, None] | (rng.random(own_taste.shape) < 0.6))
    later = played & minority[:, None] & (rng.random(played.shape) < 1 / 3)
    earlier = interactions(played & ~later)
    tuning = Tuning(earlier, sp.csr_matrix(later), later.sum(axis=1).astype(np.int32), only_new=True)
    return interactions(played, tuning)


def fit(model_recipe, data, seed=0):
    return build(model_recipe).fit(data, rng=np.random.default_rng(seed))


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_list_is_scaled_from_its_last_candidate_to_its_first():
    lists = top(
        [[3, 1, 0], [2, -1, -1], [4, 2, -1], [-1, -1, -1]], [[-1, -2, -5], [7, NAN, NAN], [3, 3, NAN], [NAN] * 3]
    )
    assert normalised(lists).tolist() == [[1, 3 / 4, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]]


def test_normalised_scores_are_added_up_by_weight_over_all_candidates_with_ties_to_the_lower_item():
    one, other = top([[5, 1, 0]], [[4, 3, 0]]), top([[1, 2, 5]], [[30, 20, 10]])
    lists = blend([one, other], [0.5, 0.5], n_items=6, k=5)
    # Item 1: ½ · ¾ + ½ · 1, item 5: ½ · 1 + ½ · 0, item 2: ½ · ½; item 0 is listed with 0, 3 and 4 are not.
    assert lists.items.tolist() == [[1, 5, 2, 0, -1]]
    np.testing.assert_allclose(lists.scores[0, :4], [7 / 8, 1 / 2, 1 / 4, 0])
    tied = blend([top([[4]], [[1]]), top([[2]], [[1]])], [0.5, 0.5], n_items=6, k=2)
    assert tied.items.tolist() == [[2, 4]]


def scanned(members, weights, *, n_items, k):
    """The blend by its definition: all items of the catalogue are scored, those that no member lists with −∞."""
    scores = np.full((len(members[0].items), n_items), -np.inf, dtype=np.float32)
    for lists, weight in zip(members, weights, strict=True):
        rows, places = np.nonzero(lists.items >= 0)
        columns = lists.items[rows, places]
        value = (np.float32(weight) * normalised(lists))[rows, places]
        scores[rows, columns] = np.maximum(scores[rows, columns], 0) + value
    return top_k(scores, k=k)


@settings(deadline=None)
@given(seed=st.integers(0, 2**16), n_members=st.integers(1, 4), k=st.integers(1, 30))
def test_pooled_candidates_give_the_bytes_of_a_scan_of_the_catalogue_ties_included(seed, n_members, k):
    rng = np.random.default_rng(seed)
    members = []
    for _ in range(n_members):
        depth = int(rng.integers(1, 15))
        items = np.array([rng.permutation(25)[:depth] for _ in range(7)], dtype=np.int32)
        length = rng.integers(0, depth + 1, size=7)
        items[np.arange(depth) >= length[:, None]] = -1
        scores = -np.sort(-rng.integers(0, 4, items.shape).astype(np.float32), axis=1)  # few values: many ties
        members.append(TopK(items, np.where(items < 0, np.nan, scores).astype(np.float32)))
    weights = rng.dirichlet(np.ones(n_members)).tolist()
    found, expected = blend(members, weights, n_items=25, k=k), scanned(members, weights, n_items=25, k=k)
    assert found.items.tobytes() == expected.items.tobytes()
    np.testing.assert_array_equal(found.scores, expected.scores)


def test_more_listeners_than_a_block_are_blended_one_by_one():
    rng = np.random.default_rng(0)
    members = []
    for _ in range(2):
        items = np.array([rng.permutation(40)[:9] for _ in range(1300)], dtype=np.int32)
        members.append(TopK(items, -np.sort(-rng.normal(size=items.shape).astype(np.float32), axis=1)))
    found, expected = (each(members, [0.3, 0.7], n_items=40, k=5) for each in (blend, scanned))
    assert found.items.tobytes() == expected.items.tobytes()
    np.testing.assert_array_equal(found.scores, expected.scores)


def judged(n, *, share, seed=0):
    """Lists of two members for n listeners who want one of two items; the first member lists it alone with probability
    `share`, else the second does. With equal weights, the lower of the two comes first: right for every other one."""
    wanted = np.arange(n) % 2
    first = np.random.default_rng(seed).random(n) < share
    members = []
    for own, right in ((2, first), (3, ~first)):
        items = np.stack([np.where(right, wanted, 1 - wanted), np.full(n, own)], axis=1).astype(np.int32)
        members.append(TopK(items, np.tile(np.float32([2, 1]), (n, 1))))
    relevant = sp.csr_matrix((np.ones(n, bool), (np.arange(n), wanted)), shape=(n, 4))
    return members, relevant, np.ones(n, np.int32)


def test_few_listeners_leave_the_weights_equal_and_many_choose():
    few, many = ([learnt_weights(*judged(n, share=0.6, seed=seed), k=1)[0] for seed in range(10)] for n in (8, 2000))
    assert all(weight >= 0.8 for weight in many)
    assert np.mean(np.abs(np.array(few) - 0.5)) < 0.25
    assert np.mean([abs(best_weights(*judged(8, share=0.6, seed=seed), k=1)[0] - 0.5) for seed in range(10)]) > 0.25


def test_what_cannot_be_told_apart_counts_alike_and_what_is_surely_worse_not_at_all():
    noise = np.random.default_rng(0).normal(size=(2, 400)) + 5
    assert plausibility(noise).min() > 0.2
    assert plausibility(np.stack([noise[0], noise[0] - 1]))[1] == 0
    assert plausibility(np.stack([noise[0], noise[0]])).tolist() == [1, 0]
    assert plausibility(np.ones((3, 1))).tolist() == plausibility(np.zeros((3, 9))).tolist() == [1 / 3] * 3


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=5).filter(any))
def test_traces_are_left_out_and_the_rest_keeps_its_proportions(raw):
    weights = np.array(raw) / sum(raw)
    found = without_traces(weights)
    assert found.sum() == pytest.approx(1, abs=1e-5)
    assert ((found > 0) == (weights >= 0.05)).all()
    kept = found > 0
    np.testing.assert_allclose(found[kept] / found[kept].max(), weights[kept] / weights[kept].max(), atol=1e-4)


def test_a_member_that_ranks_perfectly_gets_all_the_weight_and_one_that_misses_none():
    relevant = sp.csr_matrix(np.tile([1, 1, 0, 0, 0, 0], (3, 1)).astype(np.bool_))
    n_relevant = np.full(3, 2, np.int32)
    good, bad = top([[0, 1, 5]] * 3, [[3, 2, 1]] * 3), top([[4, 3, 2]] * 3, [[3, 2, 1]] * 3)
    assert best_weights([good, bad], relevant, n_relevant, k=2).tolist() == [1, 0]
    assert best_weights([bad, good], relevant, n_relevant, k=2).tolist() == [0, 1]


def test_members_that_know_different_halves_share_the_weight():
    relevant = sp.csr_matrix(np.array([[1, 0, 0, 0, 0, 1]], dtype=np.bool_))
    # Each member puts one relevant item first, and other wrong ones behind it.
    lists = [top([[0, 1, 2]], [[9, 1, 0]]), top([[5, 3, 4]], [[9, 1, 0]])]
    assert best_weights(lists, relevant, np.array([2], np.int32), k=2).tolist() == [0.5, 0.5]


@settings(deadline=None)  # a first call imports; a loaded machine is slow
@given(seed=st.integers(0, 2**16), n_members=st.integers(2, 3))
def test_weights_are_a_mixture_that_no_member_alone_outranks(seed, n_members):
    rng = np.random.default_rng(seed)
    lists = []
    for _ in range(n_members):
        items = np.array([rng.permutation(12)[:6] for _ in range(8)], dtype=np.int32)
        items[:, 4:][rng.random((8, 2)) < 0.5] = -1
        items[:, 5][items[:, 4] < 0] = -1
        scores = -np.sort(-rng.normal(size=items.shape), axis=1)
        lists.append(TopK(items, np.where(items < 0, np.nan, scores).astype(np.float32)))
    relevant = sp.csr_matrix(rng.random((8, 12)) < 0.3)
    n_relevant = np.asarray(relevant.sum(axis=1)).ravel().astype(np.int32) + 1
    weights = best_weights(lists, relevant, n_relevant, k=3)
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1)

    def mean(mixture):
        chosen = [(each, weight) for each, weight in zip(lists, mixture, strict=True) if weight > 0]
        found = blend([each for each, _ in chosen], [weight for _, weight in chosen], n_items=12, k=3)
        return ndcg(hit_matrix(found.items, relevant), n_relevant).mean()

    assert all(mean(weights) >= mean(alone) for alone in np.eye(n_members))
    np.testing.assert_array_equal(weights, best_weights(lists, relevant, n_relevant, k=3))


def test_a_member_without_use_is_neither_fitted_on_all_days_nor_saved(tmp_path):
    model = fit(recipe("popular", "knn"), two_tastes())
    assert model.weights.tolist() == [0, 1]
    model.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"model.json", "weights.npy", "knn"}
    alone = fit(MEMBERS["knn"], two_tastes())
    every_listener = np.arange(N_LISTENERS, dtype=np.int32)
    np.testing.assert_array_equal(
        load_recommender(tmp_path).recommend(every_listener, k=5).items, alone.recommend(every_listener, k=5).items
    )


def test_without_anyone_who_played_in_the_tuning_window_all_members_weigh_the_same():
    data = two_tastes()
    empty = replace(data.tuning, relevant=data.tuning.relevant * 0, n_relevant=np.zeros(N_LISTENERS, np.int32))
    for each in (replace(data, tuning=None), replace(data, tuning=empty)):
        assert fit(recipe("popular", "knn"), each).weights.tolist() == [1 / 2, 1 / 2]


def test_what_a_model_is_fitted_on_does_not_touch_its_weights():
    """A refit on more days learns the weights of the held-out fit: same tuning window, same entropy."""
    data = two_tastes()
    more = replace(two_tastes(seed=7), tuning=data.tuning)
    assert (
        fit(recipe("als", "knn"), data, seed=3).weights.tolist()
        == fit(recipe("als", "knn"), more, seed=3).weights.tolist()
    )


def test_weights_are_learnt_from_no_more_listeners_than_memory_holds(monkeypatch):
    asked = []
    monkeypatch.setattr(blend_module, "MAX_LISTENERS", 4)
    monkeypatch.setattr(
        blend_module,
        "learnt_weights",
        lambda lists, *rest, **k: asked.append(len(lists[0].items)) or np.array([0, 1.0]),
    )
    fit(recipe("popular", "knn"), two_tastes())
    assert asked[0] <= 4


def test_a_saved_blend_is_whole_without_params_yaml(tmp_path):
    model = fit(recipe("als", "knn"), replace(two_tastes(), tuning=None))
    model.save(tmp_path / "a")
    loaded = load_recommender(tmp_path / "a")
    assert loaded.recipe == recipe("als", "knn")
    loaded.save(tmp_path / "b")
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert stored_bytes(tmp_path / "a") == sum(len(content) for content in files(tmp_path / "a").values())


def test_a_blend_without_a_member_or_a_weight_is_refused(tmp_path):
    model = fit(recipe("als", "knn"), replace(two_tastes(), tuning=None))
    model.save(tmp_path / "a")
    shutil.rmtree(tmp_path / "a" / "knn")
    with pytest.raises(RecipeError, match="knn holds no model"):
        load_recommender(tmp_path / "a")
    model.weights = np.ones(3)
    model.save(tmp_path / "b")
    with pytest.raises(RecipeError, match="3 weights"):
        load_recommender(tmp_path / "b")
