import numpy as np
import scipy.sparse as sp

from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build


def fit(plays, ages):
    weights = sp.csr_matrix(np.array(plays), dtype=np.float32)
    age_days = np.array(ages, dtype=np.int32)[weights.nonzero()]
    recipe = RepeatParams(family="repeat", half_life_days=10.0)
    return build(recipe).fit(Interactions(weights, age_days), rng=np.random.default_rng(0))


def test_favourites_come_by_plays_that_fade_and_nothing_of_others():
    model = fit([[8, 3, 1, 0], [0, 0, 0, 5]], [[20, 0, 0, 0], [0, 0, 0, 0]])
    lists = model.recommend(np.array([0, 1], dtype=np.int32), k=3)
    assert lists.items.tolist() == [[1, 0, 2], [3, -1, -1]]
    np.testing.assert_allclose(lists.scores, [[3, 8 / 4, 1], [5, np.nan, np.nan]])


def test_of_equal_favourites_the_lower_index_comes_first():
    lists = fit([[2, 4, 2, 4]], [[0, 10, 0, 10]]).recommend(np.array([0], dtype=np.int32), k=4)
    assert lists.items.tolist() == [[0, 1, 2, 3]]


def test_what_is_kept_out_is_kept_out_of_favourites_too():
    heard = sp.csr_matrix(np.array([[0, 1, 0]], dtype=np.float32))
    lists = fit([[1, 9, 0]], [[0, 0, 0]]).recommend(np.array([0], dtype=np.int32), k=3, exclude=heard)
    assert lists.items.tolist() == [[0, -1, -1]]
