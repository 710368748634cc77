"""Metrics against arithmetic and against an independent library."""

from math import log2
from typing import Any

import numba
import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.averaging import average, values_by_listener
from pipeline.metrics.listener.registry import listener_metrics

METRICS = [metric.name for metric in listener_metrics()]


def relevant(rows: list[list[int]], n_items: int) -> sp.csr_matrix:
    dense = np.zeros((len(rows), n_items), dtype=np.bool_)
    for i, items in enumerate(rows):
        dense[i, items] = True
    return sp.csr_matrix(dense)


def metrics_of(lists: list[list[int]], truth: list[list[int]], n_items: int = 10) -> dict[str, np.ndarray]:
    hits = hit_matrix(np.array(lists, dtype=np.int32), relevant(truth, n_items))
    return values_by_listener(hits, np.array([len(set(t)) for t in truth], dtype=np.int32))


def test_a_list_with_hits_at_ranks_1_and_3_of_two_relevant_items() -> None:
    got = metrics_of([[4, 5, 6]], [[4, 6]])
    assert got["ndcg"][0] == pytest.approx((1 + 1 / log2(4)) / (1 + 1 / log2(3)), abs=1e-15)
    assert got["recall"][0] == 2 / 2
    assert got["precision"][0] == 2 / 3
    assert got["average_precision"][0] == pytest.approx((1 / 1 + 2 / 3) / 2, abs=1e-15)
    assert got["reciprocal_rank"][0] == 1
    assert got["hit"][0] == 1


def test_a_late_single_hit() -> None:
    got = metrics_of([[9, 8, 7]], [[7]])
    assert got["ndcg"][0] == pytest.approx(1 / log2(4), abs=1e-15)
    assert got["average_precision"][0] == pytest.approx(1 / 3, abs=1e-15)
    assert got["reciprocal_rank"][0] == pytest.approx(1 / 3, abs=1e-15)


def test_a_perfect_list_scores_1_even_with_more_relevant_items_than_places() -> None:
    got = metrics_of([[0, 1]], [[0, 1, 2, 3]])
    assert got["ndcg"][0] == got["average_precision"][0] == got["precision"][0] == 1
    assert got["recall"][0] == 2 / 4


def test_a_missing_list_scores_0_and_a_listener_without_relevant_items_has_no_score() -> None:
    got = metrics_of([[-1, -1], [0, 1]], [[3], []])
    for name in METRICS:
        assert got[name][0] == 0
        assert np.isnan(got[name][1])


def test_padding_is_never_a_hit() -> None:
    # −1 of row 1 would be the key of the last item of row 0, if padding were not left out.
    hits = hit_matrix(np.array([[0, -1], [-1, -1]], dtype=np.int32), relevant([[9], [9]], 10))
    assert not hits.any()


def test_an_item_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="catalogue of 10"):
        hit_matrix(np.array([[10]], dtype=np.int32), relevant([[0]], 10))


def test_means_leave_undefined_listeners_out_and_name_k() -> None:
    got = average(metrics_of([[0, 1], [5, 6], [0, 1]], [[0], [0], []]), k=2)
    assert got["ndcg_at_2"] == (1 + 0) / 2
    assert got["hit_rate_at_2"] == 1 / 2
    assert set(got) == {f"{n}_at_2" for n in ("ndcg", "recall", "precision", "map", "mrr", "hit_rate")}


def test_the_mean_over_no_listener_is_undefined() -> None:
    got = average(metrics_of([[0]], [[0]]), k=1, among=np.array([False]))
    assert all(np.isnan(v) for v in got.values())


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]], int, int]:
    n_items = draw(st.integers(2, 30))
    k = draw(st.integers(1, 12))
    n_users = draw(st.integers(1, 6))
    item = st.integers(0, n_items - 1)
    lists = [draw(st.lists(item, min_size=1, max_size=k, unique=True)) for _ in range(n_users)]
    truth = [draw(st.lists(item, min_size=1, max_size=n_items, unique=True)) for _ in range(n_users)]
    return lists, truth, n_items, k


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_metric_is_between_0_and_1_and_best_first_lists_are_at_least_as_good(case: object) -> None:
    lists, truth, n_items, k = case  # type: ignore[misc]
    padded = [(row + [-1] * k)[:k] for row in lists]
    sorted_rows = [sorted(row, key=lambda item, t=t: item not in t) for row, t in zip(lists, truth, strict=True)]
    got = metrics_of(padded, truth, n_items)
    best = metrics_of([(row + [-1] * k)[:k] for row in sorted_rows], truth, n_items)
    for name in METRICS:
        assert ((got[name] >= 0) & (got[name] <= 1 + 1e-12)).all()
        assert (best[name] >= got[name] - 1e-12).all()


@pytest.fixture
def ranx(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The library, interpreted: its compilation would take most of a minute."""
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    return pytest.importorskip("ranx")


def test_all_metrics_agree_with_ranx_on_random_inputs(ranx: Any) -> None:
    """ranx 0.3 divides average precision by n_relevant, as trec_eval's map_cut; ours by min(k, n_relevant). The two
    are compared after the factor between them."""
    rng = np.random.default_rng(3)
    for k, n_items in ((1, 5), (3, 8), (10, 60), (20, 40)):
        n_users = 150
        truth = [rng.choice(n_items, size=rng.integers(1, n_items), replace=False).tolist() for _ in range(n_users)]
        lists = [rng.permutation(n_items)[: rng.integers(1, k + 1)].tolist() for _ in range(n_users)]
        padded = np.array([(row + [-1] * k)[:k] for row in lists], dtype=np.int32)
        n_relevant = np.array([len(t) for t in truth], dtype=np.int32)
        ours = values_by_listener(hit_matrix(padded, relevant(truth, n_items)), n_relevant)
        ours["average_precision"] = ours["average_precision"] * np.minimum(n_relevant, k) / n_relevant
        qrels = ranx.Qrels({f"u{u:03}": {f"i{i}": 1 for i in t} for u, t in enumerate(truth)})
        run = ranx.Run({f"u{u:03}": {f"i{i}": float(k - r) for r, i in enumerate(x)} for u, x in enumerate(lists)})
        theirs = {
            "ndcg": "ndcg",
            "recall": "recall",
            "precision": "precision",
            "average_precision": "map",
            "reciprocal_rank": "mrr",
            "hit": "hit_rate",
        }
        for name, other in theirs.items():
            ranx.evaluate(qrels, run, f"{other}@{k}")
            by_user = run.scores[f"{other}@{k}"]
            expected = np.array([by_user[f"u{u:03}"] for u in range(n_users)])
            np.testing.assert_allclose(ours[name], expected, rtol=0, atol=1e-9, err_msg=f"{name}@{k}")
