"""The benchmark's own judges: a wrong id is found, a tie is one, an exponent is the one that was planted."""

import numpy as np
import pytest
import scipy.sparse as sp

from bench.speed.alone import alone
from bench.speed.growth import axes, expected_seconds, exponent
from bench.speed.made import load, made, save
from bench.speed.page import render_speed
from bench.speed.peers import available
from bench.speed.reference import agreement
from bench.speed.topk import K, Problem, in_turns, ours


@pytest.fixture(scope="module")
def given():
    rng = np.random.default_rng(0)
    heard = made(1100, 300, 9_000, seed=2)  # more listeners than a block of the reference
    return Problem(*(rng.standard_normal((n, 8), dtype=np.float32) for n in heard.shape), heard)


def judged(lists, given):
    return agreement(lists, given.listeners, given.items, given.heard, k=K)


def test_our_lists_agree_with_the_reference(given):
    found = judged(ours(given), given)
    assert (found.n, found.wrong) == (1100 * K, 0)
    assert found.ties == found.other_ids


@pytest.mark.parametrize("listener", [0, 1099])
def test_one_planted_wrong_id_is_found(given, listener):
    lists = ours(given)
    allowed = np.setdiff1d(np.arange(300), np.append(given.heard[listener].indices, lists[listener]))
    lists[listener, 7] = allowed[0]
    assert judged(lists, given).wrong == 1


def test_two_items_in_the_wrong_order_are_two_wrong_ids(given):
    lists = ours(given)
    lists[5, [0, 19]] = lists[5, [19, 0]]
    assert judged(lists, given).wrong == 2


def test_what_was_heard_is_wrong_however_high_it_scores(given):
    listener = int(np.argmax(np.diff(given.heard.indptr)))
    unheard = sp.csr_matrix(given.heard.shape, dtype=np.float32)
    lists = ours(Problem(given.listeners, given.items, unheard))
    n_heard = np.isin(lists[listener], given.heard[listener].indices).sum()
    assert n_heard > 0
    assert judged(lists, given).wrong >= n_heard


def test_an_item_twice_and_padding_are_wrong(given):
    lists = ours(given)
    lists[3, 1], lists[4, 19] = lists[3, 0], -1
    assert judged(lists, given).wrong >= 2


def test_equal_scores_in_another_order_are_ties(given):
    items = given.items.copy()
    items[1::2] = items[::2]
    twins = Problem(given.listeners, items, sp.csr_matrix(given.heard.shape, dtype=np.float32))
    lists = ours(twins)
    found = judged(lists ^ 1, twins)
    assert (found.other_ids, found.ties, found.wrong) == (1100 * K, 1100 * K, 0)


@pytest.mark.parametrize("name", ["implicit", "NumPy, argpartition", "Faiss, IndexFlatIP"])
def test_every_peer_makes_the_same_lists(given, name):
    peers = available()
    if name not in peers:
        pytest.skip("faiss-cpu is not installed: pip install 'netgain[bench]'")
    assert judged(peers[name](given), given).wrong == 0


def test_a_ratio_is_to_the_fastest_sgemm_of_the_round():
    def work(n):
        return lambda: sum(range(n))

    found = in_turns({"ours": work(2_000_000), "sgemm a": work(1_000_000), "sgemm b": work(4_000_000)}, rounds=3)
    assert found["sgemm a"]["cpu_ratio"] == 1
    assert 1 < found["ours"]["cpu_ratio"] < found["sgemm b"]["cpu_ratio"]


def test_the_exponent_is_the_one_that_was_planted():
    assert exponent([1, 10, 100], [3, 3 * 10**1.5, 3 * 10**3]) == pytest.approx(1.5)


def test_what_a_fit_would_take_follows_from_the_two_sizes_before():
    rows = [{"cpu_seconds": seconds} for seconds in (9.0, 1.0, 4.0)]
    assert expected_seconds([1, 10, 20], rows, 40) == pytest.approx(4 * 4)
    assert expected_seconds([1], rows[:1], 40) == 0


def test_an_axis_changes_one_thing_through_four_sizes():
    for axis in axes(50_000_000):
        assert len(axis.sizes) == (5 if axis.name == "interactions" else 4)
        assert {name for name in axis.shapes()[0] if len({shape[name] for shape in axis.shapes()}) > 1} == {axis.name}
    assert axes(50_000_000)[0].sizes[-1] == 50_000_000


def test_made_interactions_are_skewed_repeatable_and_kept_as_they_are(tmp_path):
    matrix = made(400, 300, 20_000, seed=3)
    assert matrix.has_canonical_format
    assert 10_000 < matrix.nnz <= 20_000
    assert matrix.data.min() >= 1
    assert (made(400, 300, 20_000, seed=3) != matrix).nnz == 0
    by_item = np.sort(np.bincount(matrix.indices, minlength=300))[::-1]
    assert by_item[:30].sum() > 2 * 30 / 300 * matrix.nnz
    assert (load(str(save(tmp_path / "made.npz", matrix))).weights != matrix).nnz == 0


def test_lists_add_no_matrix_of_scores_to_a_process():
    """BLAS and compiled code take some 90 MB, whatever the size; a matrix of scores would grow with it."""
    few, found = (alone("bench.speed.topk:lists_work", n_listeners=n, n_items=n, factors=8) for n in (2048, 8192))
    assert found["all_scores_bytes"] == 4 * 8192**2
    assert found["output_bytes"] == 8192 * K * 8
    assert found["added_bytes"] > 0
    assert found["added_bytes"] - few["added_bytes"] < found["all_scores_bytes"] / 10
    assert found["cpu_seconds"] > 0


def test_the_page_holds_the_parts_that_were_run():
    shapes = [{"listeners": n, "items": 9, "interactions": 5, "factors": 4} for n in (10, 100)]
    family = {"cpu_seconds": [0.1, 1.0], "added_bytes": [2**20, 2**21], "exponent": 1.0}
    growth = {"axis": "listeners", "shapes": shapes, "families": {"als": family}}
    page = render_speed({"machine": {"cores": 2}, "listeners": {"quick": True, "found": growth}})
    assert "als: 1.00" in page
    assert "The part listeners is of a quick run." in page
    assert "Memory of lists" not in page
