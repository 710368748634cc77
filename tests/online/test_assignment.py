"""Assignment: known digests, the shares that were asked for, and independence of layers and experiments."""

import hashlib
import hmac

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from pipeline.online.assignment import (
    N_BUCKETS,
    arm_of,
    bucket,
    free_ranges,
    layer_salt,
    takes_part,
    withheld_pairs,
)

SALT = layer_salt(b"a key", "lists")
TOKENS = [f"{n:032x}" for n in range(20_000)]
HALVES = {"control": 0.5, "treatment": 0.5}


def test_a_bucket_is_the_digest_modulo_ten_thousand() -> None:
    digest = hmac.new(SALT.encode(), b"tempo\0abc", hashlib.sha256).hexdigest()
    assert bucket(SALT, "tempo", "abc") == int(digest, 16) % 10_000


def test_arms_have_their_shares_and_stay() -> None:
    arms = {"a": 0.2, "b": 0.5, "c": 0.3}
    found = [arm_of(SALT, "x", arms, token) for token in TOKENS]
    for name, share in arms.items():
        sd = np.sqrt(share * (1 - share) / len(TOKENS))
        assert abs(found.count(name) / len(TOKENS) - share) < 4 * sd
    assert found == [arm_of(SALT, "x", arms, token) for token in TOKENS]


def test_layers_and_experiments_are_independent() -> None:
    other = layer_salt(b"a key", "pairs")
    half = ((0, N_BUCKETS // 2),)
    sides = {
        "experiments": [(arm_of(SALT, "x", HALVES, t), arm_of(SALT, "y", HALVES, t)) for t in TOKENS],
        "layers": [(takes_part(SALT, "lists", half, t), takes_part(other, "lists", half, t)) for t in TOKENS],
        "share and arm": [(takes_part(SALT, "lists", half, t), arm_of(SALT, "x", HALVES, t)) for t in TOKENS],
    }
    for name, pairs in sides.items():
        table = np.array([[pairs.count((a, b)) for b in {p[1] for p in pairs}] for a in {p[0] for p in pairs}])
        assert table.shape == (2, 2), name
        assert chi2_contingency(table).pvalue > 1e-4, name


def test_experiments_of_a_layer_have_different_listeners_and_closed_ones_free_theirs() -> None:
    first = free_ranges(0.3, [])
    second = free_ranges(0.5, [first])
    third = free_ranges(0.4, [second])
    assert (first, second) == (((0, 3000),), ((3000, 8000),))
    assert third == ((0, 3000), (8000, 9000))
    assert not any(takes_part(SALT, "l", first, t) and takes_part(SALT, "l", second, t) for t in TOKENS[:3000])
    with pytest.raises(ValueError, match=r"20\.00%"):
        free_ranges(0.3, [first, second])


@given(st.lists(st.floats(0.001, 0.4), max_size=6))
def test_ranges_never_overlap(shares: list[float]) -> None:
    taken: list[tuple[tuple[int, int], ...]] = []
    for share in shares:
        try:
            taken.append(free_ranges(share, taken))
        except ValueError:
            break
    covered = [b for ranges in taken for low, high in ranges for b in range(low, high)]
    assert len(covered) == len(set(covered)) <= N_BUCKETS


def test_pairs_are_withheld_by_chance_for_listeners_and_items_alike() -> None:
    listeners, items = TOKENS[:400], [f"i{n}" for n in range(300)]
    pairs = np.stack(np.divmod(np.arange(400 * 300), 300))
    found = withheld_pairs(SALT, "w", listeners, items, pairs, q=0.1).reshape(400, 300)
    sd = np.sqrt(0.1 * 0.9 / found.size)
    assert abs(found.mean() - 0.1) < 4 * sd
    for axis in (0, 1):  # a binomial count for each listener and for each item, no more spread than that
        counts = found.sum(axis=axis)
        assert 0.8 < counts.var() / (found.shape[axis] * 0.09) < 1.25
    assert (found == withheld_pairs(SALT, "w", listeners, items, pairs, q=0.1).reshape(400, 300)).all()
    assert abs(np.corrcoef(found.ravel(), withheld_pairs(SALT, "v", listeners, items, pairs, q=0.1))[0, 1]) < 0.02
