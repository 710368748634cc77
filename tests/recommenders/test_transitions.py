"""Transitions: scores by hand, direction, distance, and what is refused."""

from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp
import yaml

from pipeline.configuration import load_params
from pipeline.errors import ParamsError
from pipeline.recommenders.families.transitions import FAMILY
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.order import Follows
from pipeline.recommenders.registry import build

PLAIN = FAMILY.start.model_copy(update={"shrinkage": 0.0, "beta": 0.0, "backward": 0.0})


def lists(recipe, *, moves, plays, k=3, exclude=None):
    """Lists of listeners with `plays` (rows of a matrix), where `moves` were made: (from, to, distance, weight)."""
    weights = sp.csr_matrix(np.array(plays, dtype=np.float32))
    columns = list(zip(*moves, strict=True)) or [(), (), (), ()]
    order = Follows(*(np.array(column, kind) for column, kind in zip(columns, "iibf", strict=True)))
    data = Interactions(weights, np.zeros(weights.nnz, np.int32), order=order)
    model = build(recipe).fit(data, rng=np.random.default_rng(0))
    return model.recommend(np.arange(len(plays), dtype=np.int32), k=k, exclude=exclude)


def test_a_list_holds_what_followed_and_not_what_came_before():
    found = lists(PLAIN, moves=[(0, 1, 1, 3.0), (0, 2, 1, 1.0), (2, 0, 1, 9.0)], plays=[[1, 0, 0]])
    assert found.items[0].tolist() == [1, 2, -1]
    np.testing.assert_allclose(found.scores[0, :2], np.log1p(1) * np.array([3 / 4, 1 / 4]), rtol=1e-6)


def test_backward_counts_what_came_before():
    recipe = PLAIN.model_copy(update={"backward": 0.5})
    found = lists(recipe, moves=[(0, 1, 1, 2.0), (2, 0, 1, 4.0)], plays=[[1, 0, 0]])
    np.testing.assert_allclose(found.scores[0, :2], np.log1p(1) * np.array([2 / 4, 2 / 4]), rtol=1e-6)


@pytest.mark.parametrize(("distance", "weight"), [(1, 1.0), (2, 0.5), (3, 0.25), (0, 0.3)])
def test_later_plays_and_later_days_count_less(distance, weight):
    found = lists(PLAIN, moves=[(0, 1, 1, 1.0), (0, 2, distance, 1.0)], plays=[[1, 0, 0]])
    order = dict(zip(found.items[0].tolist(), found.scores[0].tolist(), strict=True))
    assert order[2] / order[1] == pytest.approx(weight, rel=1e-5)


def test_few_transitions_are_shrunk_and_what_follows_everything_is_discounted():
    moves = [(0, 1, 1, 1.0), (2, 1, 1, 15.0), (2, 3, 1, 1.0)]
    recipe = PLAIN.model_copy(update={"shrinkage": 1.0, "beta": 0.5})
    found = lists(recipe, moves=moves, plays=[[1, 0, 0, 0], [0, 0, 1, 0]], k=2)
    np.testing.assert_allclose(found.scores[0, 0], np.log1p(1) * 1 / 2 / np.sqrt(16), rtol=1e-6)
    np.testing.assert_allclose(found.scores[1], np.log1p(1) / 17 * np.array([15 / np.sqrt(16), 1]), rtol=1e-6)


def test_a_recipe_that_learns_from_order_is_refused_where_order_is_not_kept(tmp_path):
    raw = yaml.safe_load((Path(__file__).parents[2] / "params.yaml").read_text())
    raw["recipes"]["next"] = FAMILY.start.model_dump()
    for order in (True, False):
        raw["interactions"]["order"] = order
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(raw))
        if order:
            assert load_params(tmp_path / "params.yaml").recipes["next"] == FAMILY.start
        else:
            with pytest.raises(ParamsError, match=r"recipes.next.*interactions.order"):
                load_params(tmp_path / "params.yaml")
