"""What every family of the registry promises; a new one is covered without a line here."""

import json
from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.metrics.accuracy import hit_matrix
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.one_list import OneList
from pipeline.recommenders.order import Follows
from pipeline.recommenders.protocol import Recommender, folds_in
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.recommenders.scoring import recommend_all
from pipeline.recommenders.storage import load_recommender

N_LISTENERS, N_ITEMS = 60, 40
UNKNOWN = 57
"""A listener without any play."""
UNHEARD = 38
"""An item without any listener."""
ALL_LISTENERS = np.arange(N_LISTENERS, dtype=np.int32)


def checkerboard(*, seed=0, share=0.5):
    """Two communities: even listeners play even items, odd ones odd items, each a random half of theirs.

    Of the plays, a third are of the tuning window."""
    rng = np.random.default_rng(seed)
    same = (np.arange(N_LISTENERS)[:, None] + np.arange(N_ITEMS)[None, :]) % 2 == 0
    played = same & (rng.random((N_LISTENERS, N_ITEMS)) < share)
    played[UNKNOWN], played[:, UNHEARD] = False, False
    plays = np.where(played, rng.gamma(2.0, 2.0, played.shape) + 0.1, 0)
    later = played & (rng.random(played.shape) < 1 / 3)
    tuning = Tuning(
        interactions(np.where(later, 0, plays), rng), sp.csr_matrix(later), later.sum(1).astype(np.int32), only_new=True
    )
    return replace(interactions(plays, rng), tuning=tuning)


def interactions(plays, rng):
    """As they are read from Arrow: no array may be written to. Each listener plays their items in a random order."""
    weights = sp.csr_matrix(plays, dtype=np.float32)
    age_days = rng.integers(0, 60, weights.nnz).astype(np.int32)
    order = in_random_order(weights, np.random.default_rng(1))
    for array in (weights.data, weights.indices, weights.indptr, age_days, *vars(order).values()):
        array.setflags(write=False)
    return Interactions(weights, age_days, order=order)


def in_random_order(weights, rng):
    played = [rng.permutation(row.indices) for row in weights]
    first = np.concatenate([np.empty(0, np.int32), *(items[:-1] for items in played)]).astype(np.int32)
    then = np.concatenate([np.empty(0, np.int32), *(items[1:] for items in played)]).astype(np.int32)
    return Follows(first, then, np.ones(len(first), np.int8), np.ones(len(first), np.float32))


def fit(recipe, data, seed=0):
    return build(recipe).fit(data, rng=np.random.default_rng(seed))


@pytest.fixture(scope="module")
def data():
    return checkerboard()


@pytest.fixture(scope="module")
def model(recipe, data):
    return fit(recipe, data)


def is_one_list(family):
    return issubclass(FAMILIES[family].recommender, OneList)


def assert_well_formed(lists):
    for items, scores in zip(lists.items, lists.scores, strict=True):
        n = int((items >= 0).sum())
        assert (items[:n] >= 0).all()
        assert (items[n:] == -1).all()
        assert np.isnan(scores[n:]).all()
        assert len(set(items[:n].tolist())) == n
        assert items.max(initial=-1) < N_ITEMS
        assert np.isfinite(scores[:n]).all()
        assert (np.diff(scores[:n]) <= 0).all()


def same_lists(a, b):
    np.testing.assert_array_equal(a.items, b.items)
    np.testing.assert_array_equal(a.scores, b.scores)


def file_bytes(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in files_of(folder)}


def files_of(folder):
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def test_lists_have_the_declared_shapes_and_types(model):
    lists = model.recommend(np.array([3, 1, 4], dtype=np.int32), k=5)
    assert (lists.items.shape, lists.items.dtype) == ((3, 5), np.int32)
    assert (lists.scores.shape, lists.scores.dtype) == ((3, 5), np.float32)


@pytest.mark.parametrize("k", [1, 10, N_ITEMS, N_ITEMS + 7])
def test_items_are_distinct_scores_finite_and_descending_and_the_rest_is_padding(model, k):
    lists = model.recommend(ALL_LISTENERS, k=k)
    assert_well_formed(lists)
    assert np.abs(lists.scores[lists.items >= 0]).max(initial=0) < 1e30  # no library's sentinel


def test_heard_items_are_kept_out_even_when_nothing_else_is_left(model, data):
    heard = model.recommend(ALL_LISTENERS, k=N_ITEMS, exclude=data.weights)
    for listener, items in enumerate(heard.items):
        assert not set(items[items >= 0].tolist()) & set(data.weights[listener].indices.tolist())
    everything = sp.csr_matrix(np.ones((N_LISTENERS, N_ITEMS), dtype=np.float32))
    assert (model.recommend(ALL_LISTENERS, k=3, exclude=everything).items == -1).all()


@pytest.mark.parametrize("shape", [(0, 0), (3, 0), (0, 3), (3, 4)])
def test_a_night_without_plays_is_fitted_all_the_same_and_lists_nothing(recipe, shape, tmp_path):
    fit(recipe, interactions(np.zeros(shape), np.random.default_rng(0))).save(tmp_path / "m")
    top = load_recommender(tmp_path / "m").recommend(np.arange(shape[0], dtype=np.int32), k=4)
    assert top.items.shape == (shape[0], 4)
    assert (top.items == -1).all()
    assert np.isnan(top.scores).all()


@pytest.mark.parametrize("plays", [1e9, np.finfo(np.float32).max, np.finfo(np.float32).tiny])
def test_one_listener_beyond_all_measure_spoils_nobodys_list(recipe, data, plays):
    weights = data.weights.copy()
    weights.data[: weights.indptr[1]] = plays
    lists = fit(recipe, replace(data, weights=weights)).recommend(ALL_LISTENERS, k=N_ITEMS)
    assert_well_formed(lists)
    unknown = np.diff(weights.indptr) == 0
    assert (lists.items[~unknown, 0] >= 0).all()


def test_an_empty_exclusion_is_none(model):
    nothing = sp.csr_matrix(np.zeros((N_LISTENERS, N_ITEMS), dtype=np.float32))
    same_lists(model.recommend(ALL_LISTENERS, k=10, exclude=nothing), model.recommend(ALL_LISTENERS, k=10))


def test_exclusions_follow_the_order_in_which_listeners_are_asked_for(model, data):
    backwards = ALL_LISTENERS[::-1]
    lists = model.recommend(backwards, k=10, exclude=data.weights[backwards])
    straight = model.recommend(ALL_LISTENERS, k=10, exclude=data.weights)
    np.testing.assert_array_equal(lists.items[::-1], straight.items)
    np.testing.assert_array_equal(lists.scores[::-1], straight.scores)


def test_a_list_does_not_depend_on_the_batch(model, data):
    together = recommend_all(model, n_listeners=N_LISTENERS, k=10, exclude=data.weights)
    same_lists(together, recommend_all(model, n_listeners=N_LISTENERS, k=10, exclude=data.weights, block=7))
    for listener in (0, 1, UNKNOWN, N_LISTENERS - 1):
        alone = model.recommend(np.array([listener], dtype=np.int32), k=10, exclude=data.weights[[listener]])
        np.testing.assert_array_equal(alone.items[0], together.items[listener])
        np.testing.assert_array_equal(alone.scores[0], together.scores[listener])


def test_a_listener_asked_for_twice_gets_the_list_twice(model):
    lists = model.recommend(np.array([5, 5], dtype=np.int32), k=4)
    np.testing.assert_array_equal(lists.items[0], lists.items[1])


def test_nobody_gets_nothing(model):
    assert model.recommend(np.empty(0, dtype=np.int32), k=4).items.shape == (0, 4)


def test_a_listener_without_history_gets_the_popular_list_or_an_empty_one(model, family):
    items = model.recommend(np.array([UNKNOWN], dtype=np.int32), k=10).items[0]
    assert (items >= 0).all() if is_one_list(family) else (items == -1).all()


def test_an_item_that_nobody_has_heard_is_on_no_list(model):
    assert UNHEARD not in model.recommend(ALL_LISTENERS, k=N_ITEMS).items


def test_the_same_seed_gives_the_same_bytes(model, recipe, data, tmp_path):
    again = fit(recipe, data)
    model.save(tmp_path / "a")
    again.save(tmp_path / "b")
    assert file_bytes(tmp_path / "a") == file_bytes(tmp_path / "b")


def test_another_seed_gives_another_model_of_a_stochastic_family_alone(model, recipe, data, family, tmp_path):
    model.save(tmp_path / "a")
    fit(recipe, data, seed=1).save(tmp_path / "b")
    assert (file_bytes(tmp_path / "a") != file_bytes(tmp_path / "b")) == FAMILIES[family].stochastic


def test_what_was_saved_is_loaded_to_the_bit(model, data, tmp_path):
    model.save(tmp_path / "a")
    loaded = load_recommender(tmp_path / "a")
    assert type(loaded) is type(model)
    same_lists(
        model.recommend(ALL_LISTENERS, k=N_ITEMS, exclude=data.weights),
        loaded.recommend(ALL_LISTENERS, k=N_ITEMS, exclude=data.weights),
    )
    loaded.save(tmp_path / "b")
    assert file_bytes(tmp_path / "a") == file_bytes(tmp_path / "b")


def test_a_model_folder_holds_arrays_and_json_and_no_pickle(model, recipe, tmp_path):
    model.save(tmp_path / "m")
    assert {path.suffix for path in files_of(tmp_path / "m")} <= {".json", ".npy"}
    described = json.loads((tmp_path / "m" / "model.json").read_text())
    assert described["family"] == recipe.family
    assert described["params"] == recipe.model_dump(mode="json", exclude={"family"})
    assert (described["n_listeners"], described["n_items"]) == (N_LISTENERS, N_ITEMS)


def test_a_damaged_model_is_refused_in_one_line(model, tmp_path):
    model.save(tmp_path / "m")
    for array in (path for path in files_of(tmp_path / "m") if path.suffix != ".json"):
        whole = array.read_bytes()
        array.write_bytes(whole[:-30])
        with pytest.raises(RecipeError, match="holds no model") as caught:
            load_recommender(tmp_path / "m")
        assert "\n" not in str(caught.value)
        array.write_bytes(whole)


def test_a_second_fit_forgets_the_first(model, recipe, data, tmp_path):
    twice = fit(recipe, checkerboard(seed=9, share=0.9), seed=5).fit(data, rng=np.random.default_rng(0))
    model.save(tmp_path / "once")
    twice.save(tmp_path / "twice")
    assert file_bytes(tmp_path / "once") == file_bytes(tmp_path / "twice")


def test_fitting_leaves_its_input_as_it_was(recipe, data):
    given = (data, data.tuning.interactions)
    before = [(each.weights.copy(), each.age_days.copy()) for each in given]
    fit(recipe, data)
    for each, (weights, age_days) in zip(given, before, strict=True):
        assert (weights != each.weights).nnz == 0
        np.testing.assert_array_equal(age_days, each.age_days)


def test_a_planted_structure_is_found(recipe, family):
    if is_one_list(family):
        pytest.skip("it knows no communities: test_one_list.py plants what it must find")
    data = checkerboard(seed=3)
    if "factors" in type(recipe).model_fields:  # two communities of forty items need fewer than params.yaml has
        recipe = recipe.model_copy(update={"factors": 4})
    new = None if family == "repeat" else data.weights  # which has nothing but what was heard
    lists = fit(recipe, data).recommend(ALL_LISTENERS, k=5, exclude=new)
    own_community = (lists.items + ALL_LISTENERS[:, None]) % 2 == 0
    assert own_community[lists.items >= 0].mean() > 0.95
    assert (lists.items >= 0).mean() > 0.9


def test_one_listener_and_one_item_are_enough_to_fit(recipe):
    model = fit(recipe, interactions(np.array([[2.0]]), np.random.default_rng(0)))
    assert model.recommend(np.array([0], dtype=np.int32), k=2).items[0, 1] == -1


FEW = {
    "no listener": np.zeros((0, 0)),
    "no listener, though there are items": np.zeros((0, 3)),
    "one listener": np.array([[2.0, 1.0, 0.5, 3.0]]),
    "one listener of one item": np.array([[1.0]]),
    "one listener, and items of others": np.array([[2.0, 0.0, 1.0]]),
    "two listeners of the same items": np.array([[2.0, 1.0, 0.5], [1.0, 1.0, 1.0]]),
    "two listeners without a common item": np.array([[2.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 3.0]]),
    "two listeners, one of whom played nothing": np.array([[2.0, 1.0, 0.5], [0.0, 0.0, 0.0]]),
}
"""Plays of few listeners."""
TUNING = (
    "none",
    "no listener",
    "nothing played before it",
    "no listener to judge",
    "only items that are new",
    "each item",
)


def tuning_of(plays, kind, rng):
    """The tuning window of few listeners: each kind of emptiness that a night can have."""
    if kind == "none":
        return None
    if kind == "no listener":
        plays = plays[:0]
    relevant = np.full(plays.shape, kind == "each item", dtype=bool)
    before = np.zeros_like(plays) if kind == "nothing played before it" else plays
    n_relevant = relevant.sum(1) + (kind in {"nothing played before it", "only items that are new"})
    return Tuning(interactions(before, rng), sp.csr_matrix(relevant), n_relevant.astype(np.int32), only_new=True)


@pytest.mark.parametrize("kind", TUNING)
@pytest.mark.parametrize("few", FEW)
def test_few_listeners_are_fitted_and_get_lists_of_what_is_known(recipe, few, kind, tmp_path):
    plays, rng = FEW[few], np.random.default_rng(0)
    data = replace(interactions(plays, rng), tuning=tuning_of(plays, kind, rng))
    model = fit(recipe, data)
    everyone = np.arange(len(plays), dtype=np.int32)
    for exclude in (None, data.weights):
        lists = model.recommend(everyone, k=3, exclude=exclude)
        assert lists.items.shape == (len(plays), 3)
        assert_well_formed(lists)
        assert not hit_matrix(lists.items, data.weights).any() or exclude is None
    if folds_in(model):
        assert_well_formed(model.fold_in(data.weights).recommend(everyone, k=3, exclude=data.weights))
    model.save(tmp_path / "m")
    same_lists(load_recommender(tmp_path / "m").recommend(everyone, k=3), model.recommend(everyone, k=3))


def test_a_family_keeps_the_protocol(model):
    promised: Recommender = model
    assert callable(promised.fit)
