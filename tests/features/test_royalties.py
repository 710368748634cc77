"""royalties.csv: what is read, what is refused, and where the prices go."""

import math

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import ParamsError
from pipeline.features.royalties import filled_royalties, read_csv, royalties_of, write_royalties
from pipeline.metrics.royalties import expected_royalty
from pipeline.recommenders.families.thrifty import ThriftyParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build, parse_recipe

ITEMS = pa.chunked_array([["a", "b", "c"]], pa.string())


def written(tmp_path, text):
    path = tmp_path / "royalties.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_prices_are_read_by_item_whatever_the_order_of_columns(tmp_path):
    path = written(tmp_path, "\ufeffroyalty_per_play,item_id,owner\n0.002,b,x\n0,a,y\n")
    assert read_csv(path) == {"b": 0.002, "a": 0.0}
    assert read_csv(tmp_path / "none.csv") == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "item_id,price\na,1\n",
        "item_id,royalty_per_play\na,\n",
        "item_id,royalty_per_play\na\n",
        "item_id,royalty_per_play\na,-1\n",
        "item_id,royalty_per_play\na,nan\n",
        "item_id,royalty_per_play\na,inf\n",
        "item_id,royalty_per_play\na,free\n",
        "item_id,royalty_per_play\n,1\n",
        "item_id,royalty_per_play\na,1\na,1\n",
        'item_id,royalty_per_play\n"a,1\n',
    ],
)
def test_anything_else_is_refused_in_one_line(tmp_path, text):
    with pytest.raises(ParamsError, match=r"royalties\.csv") as caught:
        read_csv(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "royalties.csv"
    path.write_bytes(b"item_id,royalty_per_play\n\xff\xfe,1\n")
    with pytest.raises(ParamsError):
        read_csv(path)


def test_items_without_a_row_have_the_usual_price_where_any_has_its_own(tmp_path):
    path = tmp_path / "night" / "royalties.parquet"
    write_royalties(path, {"b": 0.002, "gone": 9.0}, usual=0.004)
    np.testing.assert_array_equal(royalties_of(path, ITEMS), [math.nan, 0.002, math.nan])
    np.testing.assert_array_equal(filled_royalties(path, ITEMS), [0.004, 0.002, 0.004])
    write_royalties(path, {}, usual=0.004)
    assert royalties_of(path, ITEMS) is None
    assert filled_royalties(path, ITEMS) is None


def test_lists_of_any_length_give_one_play():
    """The first list has ranks of weight 1 and 1 / log2(3); the second one item; the third none."""
    lists = np.array([[0, 1], [1, -1], [-1, -1]], dtype=np.int32)
    second = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
    unpriced, priced = expected_royalty([lists], np.array([math.nan, 0.006]))
    assert unpriced == pytest.approx((1 - second) / 2)
    assert priced == pytest.approx(0.006 * (second + 1) / 2)


def fitted(rate, prices):
    """Everyone has heard item 0; items 1 … 4 are the nearer the lower their number."""
    rng = np.random.default_rng(1)
    plays = (rng.random((40, 5)) < np.array([1.0, 0.8, 0.6, 0.4, 0.2])).astype(np.float32)
    import scipy.sparse as sp

    weights = sp.csr_matrix(plays)
    data = Interactions(weights, np.zeros(weights.nnz, np.int32), royalties=prices)
    member = parse_recipe({"family": "popular", "window_days": 14})
    recipe = ThriftyParams(members=("popular",), member_recipes=(member,), rate=rate, candidates=10)
    return build(recipe).fit(data, rng=np.random.default_rng(0)).recommend(np.array([0], dtype=np.int32), k=5)


def test_a_rate_of_nothing_or_one_price_keeps_the_recipes_order():
    assert fitted(0.0, np.array([9.0, 1, 1, 1, 1])).items[0].tolist() == [0, 1, 2, 3, 4]
    assert fitted(5.0, None).items[0].tolist() == [0, 1, 2, 3, 4]
    assert fitted(5.0, np.full(5, 0.004)).items[0].tolist() == [0, 1, 2, 3, 4]


def test_a_dear_item_falls_by_the_rate_times_its_price_above_the_average():
    """The average is 2, so item 0 costs 3 averages and falls by .2 · 2 = .4 of the span; the others rise by .1."""
    lists = fitted(0.2, np.array([6.0, 1, 1, 1, 1]))
    assert lists.scores[0][lists.items[0] == 0] == pytest.approx(1 - 0.4)
    assert lists.items[0].tolist().index(0) > 0
    dearest_last = fitted(10.0, np.array([6.0, 1, 1, 1, 1]))
    assert dearest_last.items[0].tolist()[-1] == 0
