import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.bpr import BprParams, ascend
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build


def plays(n_listeners=80, n_items=30):
    """Even listeners play even items and odd ones odd items; item 0 is played by all but the last, who play nothing."""
    rng = np.random.default_rng(0)
    same = (np.arange(n_listeners)[:, None] + np.arange(n_items)[None, :]) % 2 == 0
    played = same & (rng.random(same.shape) < 0.5)
    played[:, 0], played[-1], played[:, -1] = True, False, False
    weights = sp.csr_matrix(played, dtype=np.float32)
    return Interactions(weights, np.zeros(weights.nnz, dtype=np.int32))


def fit(data, *, seed=0, **changes):
    values = {"factors": 5, "learning_rate": 0.05, "regularization": 0.01, "iterations": 100} | changes
    return build(BprParams(family="bpr", **values)).fit(data, rng=np.random.default_rng(seed))


def test_a_step_by_hand_and_none_against_an_item_of_ones_own():
    """A listener at 2, their item at 1 with the bias 0, another at 3 with the bias −4 − ln 3: the margin is
    2 · (1 − 3) + 4 + ln 3 = ln 3, and the pull 1 / (1 + 3)."""
    listeners = np.array([[2, 1]], np.float32)
    items = np.array([[1, 0], [3, -4 - np.log(3)]], np.float32)
    rate, penalty, pull, bias = 0.1, 0.5, 1 / 4, -4 - np.log(3)

    def step(other):
        triple = (np.array([index], np.int32) for index in (0, 0, other))
        own = (np.array([0, 1], np.int32), np.array([0], np.int32))
        ascend(*triple, *own, listeners, items, np.float32(rate), np.float32(penalty))

    step(1)
    np.testing.assert_allclose(listeners, [[2 + rate * (pull * (1 - 3) - penalty * 2), 1]], rtol=1e-6)
    np.testing.assert_allclose(
        items,
        [
            [1 + rate * (pull * 2 - penalty * 1), rate * pull],
            [3 + rate * (-pull * 2 - penalty * 3), bias + rate * (-pull - penalty * bias)],
        ],
        rtol=1e-6,
    )
    before = items.copy()
    step(0)
    np.testing.assert_array_equal(items, before)


def test_what_was_played_ranks_above_what_was_not():
    data = plays()
    model = fit(data)
    scores = model.listener_factors @ model.item_factors.T
    played = data.weights.toarray() > 0
    rows = np.flatnonzero(played.any(axis=1))
    above = [(scores[row, played[row]][:, None] > scores[row, ~played[row]][None, :]).mean() for row in rows]
    assert np.mean(above) > 0.9


def test_the_last_factor_is_an_items_bias():
    """A listener's last factor is 1; the item that nearly all play has the highest."""
    model = fit(plays())
    assert (model.listener_factors[:-1, -1] == 1).all()
    assert model.item_factors.shape[1] == 5 + 1
    assert model.item_factors[:, -1].argmax() == 0


def test_who_and_what_nothing_is_known_of_has_no_factors_and_no_bias():
    model = fit(plays())
    assert not model.listener_factors[-1].any()
    assert not model.item_factors[-1].any()
    assert (model.recommend(np.array([79], dtype=np.int32), k=3).items == -1).all()


def test_how_often_something_was_played_is_not_used():
    data = plays()
    often = Interactions(data.weights * np.float32(7), data.age_days)
    np.testing.assert_array_equal(fit(often).item_factors, fit(data).item_factors)


@pytest.mark.parametrize(
    "recipe",
    [
        BprParams(family="bpr", factors=4, learning_rate=1e3, regularization=1.0, iterations=20),
        AlsParams(family="als", factors=4, regularization=0.0, confidence=1e38, iterations=3),
    ],
    ids=["bpr", "als"],
)
def test_a_fit_that_diverges_is_refused_by_the_family_not_by_the_library(recipe):
    with pytest.raises(RecipeError, match=f"{recipe.family}: factors that are not finite"):
        build(recipe).fit(plays(), rng=np.random.default_rng(0))
