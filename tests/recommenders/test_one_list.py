import numpy as np
import scipy.sparse as sp

from pipeline.recommenders.families.popular import PopularParams
from pipeline.recommenders.families.recent import RecentParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build

ONE = np.array([0], dtype=np.int32)


def popular(plays, ages, window_days=14):
    return fit(PopularParams(family="popular", window_days=window_days), plays, ages)


def recent(plays, ages, half_life_days):
    return fit(RecentParams(family="recent", half_life_days=half_life_days), plays, ages)


def fit(recipe, plays, ages):
    """Rows are listeners, columns items; an age is needed wherever something was played."""
    weights = sp.csr_matrix(np.array(plays), dtype=np.float32)
    age_days = np.array(ages, dtype=np.int32)[weights.nonzero()]
    return build(recipe).fit(Interactions(weights, age_days), rng=np.random.default_rng(0))


def test_it_counts_listeners_not_plays():
    lists = popular([[1, 100], [1, 0]], [[0, 0], [0, 0]]).recommend(ONE, k=2)
    assert lists.items.tolist() == [[0, 1]]
    assert lists.scores.tolist() == [[2.0, 1.0]]


def test_the_window_ends_before_its_length_in_days():
    lists = popular([[1, 1, 0], [1, 0, 1]], [[14, 13, 0], [14, 0, 0]]).recommend(ONE, k=3)
    assert lists.items.tolist() == [[1, 2, 0]]  # item 0 has two listeners, both 14 days ago


def test_of_equally_many_listeners_the_more_played_comes_first_and_then_the_lower_index():
    lists = popular([[1, 3, 1]], [[0, 0, 0]]).recommend(ONE, k=3)
    assert lists.items.tolist() == [[1, 0, 2]]
    assert lists.scores.tolist() == [[1.0, 1.0, 1.0]]


def test_what_was_heard_before_the_window_alone_follows_below_one_listener():
    lists = popular([[1, 4, 1]], [[0, 30, 30]]).recommend(ONE, k=3)
    assert lists.items.tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(lists.scores, [[1.0, 4 / (2 + 2 * 4), 1 / (2 + 2 * 1)]])


def test_planted_favourites_are_found():
    rng = np.random.default_rng(0)
    plays = (rng.random((200, 50)) < 0.1).astype(float)
    plays[:, [7, 31]] = rng.random((200, 2)) < [0.9, 0.6]
    for model in (popular(plays, np.zeros(plays.shape)), recent(plays, np.zeros(plays.shape), 7.0)):
        assert (model.recommend(np.arange(200, dtype=np.int32), k=2).items == [7, 31]).all()


def test_a_recent_listener_outweighs_several_of_long_ago():
    # Item 0: two listeners, of 14 days ago; item 1: one of today; item 2: one of a week ago.
    lists = recent([[9, 1, 0], [9, 0, 1]], [[14, 0, 0], [14, 0, 7]], 7.0).recommend(ONE, k=3)
    assert lists.items.tolist() == [[1, 0, 2]]  # 0 and 2 are equal; 0 was played more
    assert lists.scores.tolist() == [[1.0, 2 * 1 / 4, 1 / 2]]


def test_what_was_heard_however_long_ago_is_listed_after_all_else():
    lists = recent([[1, 1, 0]], [[36500, 0, 0]], 0.5).recommend(ONE, k=3)
    assert lists.items.tolist() == [[1, 0, -1]]
    assert lists.scores[0, 1] > 0
