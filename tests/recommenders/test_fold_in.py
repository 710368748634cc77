"""What every family promises that new listeners can be folded into; a new one is covered without a line here."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.one_list import OneList
from pipeline.recommenders.order import Follows
from pipeline.recommenders.protocol import folds_in
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.recommenders.storage import load_recommender

N_LISTENERS, N_ITEMS = 60, 40
ALL_LISTENERS = np.arange(N_LISTENERS, dtype=np.int32)
UNKNOWN = 57


def two_tastes(*, seed, n_listeners=N_LISTENERS):
    """Even listeners play half of the even items, odd ones of the odd; one listener plays nothing."""
    rng = np.random.default_rng(seed)
    own = (np.arange(n_listeners)[:, None] + np.arange(N_ITEMS)[None, :]) % 2 == 0
    played = own & (rng.random(own.shape) < 0.5)
    played[UNKNOWN % n_listeners] = False
    weights = sp.csr_matrix(np.where(played, rng.gamma(2.0, 2.0, played.shape) + 0.1, 0), dtype=np.float32)
    for array in (weights.data, weights.indices, weights.indptr):
        array.setflags(write=False)  # as they are read from Arrow
    return weights


def few_factors(recipe):
    """What two tastes need, fitted until little changes."""
    sizes = {"factors": 4, "iterations": 40, "regularization": 0.5 if recipe.family == "als" else 0.05}
    given = {name: value for name, value in sizes.items() if name in type(recipe).model_fields}
    if hasattr(recipe, "member_recipes"):
        given["member_recipes"] = tuple(few_factors(member) for member in recipe.member_recipes)
    return recipe.model_copy(update=given if "factors" in given or "member_recipes" in given else {})


def one_after_another(plays):
    """Return the order in which each listener plays the items by number, and begins again: what a taste goes on to."""
    rows = np.split(plays.indices, plays.indptr[1:-1])
    first = np.concatenate(rows)
    then = np.concatenate([np.roll(row, -1) for row in rows])
    return Follows(first, then, np.ones(len(first), np.int8), np.ones(len(first), np.float32))


@pytest.fixture(scope="module")
def plays():
    return two_tastes(seed=1)


@pytest.fixture(scope="module")
def model(recipe, plays):
    ages = np.zeros(plays.nnz, dtype=np.int32)
    if not FAMILIES[recipe.family].folds_in:
        pytest.skip(f"{recipe.family} takes up no new listeners")
    order = one_after_another(plays)
    fitted = build(few_factors(recipe)).fit(Interactions(plays, ages, order=order), rng=np.random.default_rng(0))
    if not folds_in(fitted):
        pytest.skip(f"{recipe.family} takes up no new listeners")
    return fitted


def file_bytes(model, folder):
    model.save(folder)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_plays_of_the_fit_come_to_the_lists_of_the_fit(model, plays):
    fitted, folded = (m.recommend(ALL_LISTENERS, k=5, exclude=plays).items for m in (model, model.fold_in(plays)))
    same = [len(set(a) & set(b)) / 5 for a, b in zip(fitted.tolist(), folded.tolist(), strict=True)]
    assert np.mean(same) > 0.95


def test_a_new_listener_gets_a_list_of_their_own_taste(model):
    new = two_tastes(seed=7, n_listeners=90)
    lists = model.fold_in(new).recommend(np.arange(90, dtype=np.int32), k=5, exclude=new)
    there = lists.items >= 0
    assert there[np.diff(new.indptr) > 0].mean() > 0.9
    own = (lists.items + np.arange(90)[:, None]) % 2 == 0
    assert own[there].mean() > 0.9 or isinstance(model, OneList)  # the same for both tastes


def test_who_is_not_folded_in_is_not_in_the_model(model, plays, tmp_path):
    model.fold_in(plays[:3]).save(tmp_path / "m")
    for described in (tmp_path / "m").rglob("model.json"):
        assert json.loads(described.read_text())["n_listeners"] == 3
    assert load_recommender(tmp_path / "m").recommend(ALL_LISTENERS[:3], k=4).items.shape == (3, 4)


def test_a_listener_without_plays_gets_what_a_fit_would_give(model, plays):
    who = np.array([UNKNOWN], dtype=np.int32)
    np.testing.assert_array_equal(model.fold_in(plays).recommend(who, k=4).items, model.recommend(who, k=4).items)


def test_the_same_plays_give_the_same_bytes_and_leave_the_model_as_it_was(model, plays, tmp_path):
    before = file_bytes(model, tmp_path / "before")
    new = two_tastes(seed=7, n_listeners=70)
    first, again = (file_bytes(model.fold_in(new), tmp_path / name) for name in ("first", "again"))
    assert first == again != before
    assert file_bytes(model, tmp_path / "after") == before


def test_a_folded_model_is_saved_and_folded_into_again(model, plays, tmp_path):
    model.fold_in(two_tastes(seed=7)).save(tmp_path / "m")
    again = load_recommender(tmp_path / "m").fold_in(plays)
    lists, direct = (m.recommend(ALL_LISTENERS, k=5, exclude=plays) for m in (again, model.fold_in(plays)))
    np.testing.assert_array_equal(lists.items, direct.items)
    np.testing.assert_array_equal(lists.scores, direct.scores)


def test_a_night_without_listeners_is_folded_in_all_the_same(model):
    no_listeners = sp.csr_matrix((0, N_ITEMS), dtype=np.float32)
    assert model.fold_in(no_listeners).recommend(np.empty(0, dtype=np.int32), k=3).items.shape == (0, 3)


def test_als_solves_the_least_squares_of_its_confidences():
    recipe = AlsParams(family="als", factors=3, regularization=0.7, confidence=2.0, iterations=2)
    plays = two_tastes(seed=1)
    model = build(recipe).fit(Interactions(plays, np.zeros(plays.nnz, np.int32)), rng=np.random.default_rng(0))
    y = model.item_factors.astype(np.float64)
    c = 2.0 * np.log1p(plays.toarray().astype(np.float64))  # what implicit takes: a play's whole confidence
    for row, confidence in zip(model.fold_in(plays).listener_factors, c, strict=True):
        left = y.T @ y + 0.7 * np.eye(3) + y.T @ (np.where(confidence > 0, confidence - 1, 0)[:, None] * y)
        np.testing.assert_allclose(row, np.linalg.solve(left, y.T @ confidence), rtol=1e-3, atol=1e-4)


def test_a_row_without_one_solution_is_said_in_one_line():
    model = build(AlsParams(family="als", factors=2, regularization=0.0, confidence=1.0, iterations=1))
    model.item_factors = np.zeros((N_ITEMS, 2), dtype=np.float32)
    with pytest.raises(RecipeError, match="Raise the recipe's regularization"):
        model.fold_in(two_tastes(seed=1))
