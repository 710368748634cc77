"""Mixed lists are judged by what their listener knew and by what was new, apart."""

import datetime as dt

import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp

from pipeline.features.interactions import build_interactions, save_interactions
from pipeline.metrics.cost import Cost
from pipeline.metrics.evaluation import Truth
from pipeline.stages.parts import parts_report
from pipeline.stages.scoring import Decided, Lists

DAY = dt.date(2026, 2, 1)


@pytest.fixture
def train(tmp_path):
    """Ann has played a and b, bob c."""
    rows = [("ann", "a"), ("ann", "b"), ("bob", "c")]
    daily = pl.DataFrame(
        {"day": [DAY] * 3, "listener_id": [row[0] for row in rows], "item_id": [row[1] for row in rows]}
    ).with_columns(n_plays=pl.lit(1, pl.Int32))
    names = pl.DataFrame({"item_id": list("abc"), "item_name": list("ABC")})
    until = DAY + dt.timedelta(days=1)
    save_interactions(
        tmp_path, build_interactions(daily, names, until=until, half_life_days=10.0, min_listeners_per_item=1)
    )
    return tmp_path


def column(*ids):
    return pa.chunked_array([list(ids)], pa.string())


def decided(relevant):
    """Of ann and bob, over a, b, c and d, which no listener knew; the entries are days, 0 among them."""
    played = np.array(relevant)
    matrix = sp.csr_matrix((np.zeros(int(played.sum()), np.int32), np.nonzero(played)), shape=played.shape)
    truth = Truth(matrix, matrix.data, (DAY,), {}, np.array([1, 1, 1, 0], np.int32), 2)
    return Decided(truth, column("ann", "bob"), column("a", "b", "c", "d"))


def lists(*rows):
    return Lists(np.array(rows, np.int32), column("ann", "bob"), column("a", "b", "c", "d"), 0, Cost(0.0, 0.0))


def test_hits_of_each_part_are_judged_against_that_part_alone(train):
    # Ann played a, which she knew, and c, which was new; bob played d alone. Lists: [b, a, c] and [c, d].
    found = parts_report([lists([1, 0, 2], [2, 3, -1])], decided([[1, 0, 1, 0], [0, 0, 0, 1]]), train, k=3)
    assert found["known"] == {"ndcg_at_3": pytest.approx(1 / np.log2(3)), "n": 1}
    assert found["new"] == {"ndcg_at_3": pytest.approx((1 / np.log2(4) + 1 / np.log2(3)) / 2), "n": 2}
    assert found["share_known"] == 3 / 5


def test_fits_are_averaged_and_a_part_without_listeners_is_none(train):
    both = [lists([0, 1, 2], [2, 0, 1]), lists([3, 2, 1], [2, 0, 1])]
    found = parts_report(both, decided([[1, 0, 0, 0], [0, 0, 1, 0]]), train, k=3)
    assert found["known"] == {"ndcg_at_3": pytest.approx((1 + 1 + 0 + 1) / 4), "n": 2}
    assert found["new"] == {"ndcg_at_3": None, "n": 0}
    assert found["share_known"] == pytest.approx((3 / 6 + 2 / 6) / 2)
