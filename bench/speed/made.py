"""Synthetic interactions of any size, with the skew of real ones but without structure."""

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pipeline.recommenders.interactions import Interactions

LISTENER_TAIL, ITEM_TAIL = 0.5, 2.5
"""A listener of rank r plays as r^−0.5; an item's density falls with the power 1 − 1/2.5 of its rank."""


def made(n_listeners: int, n_items: int, n: int, *, seed: int) -> sp.csr_matrix:
    """About n interactions with power laws on both sides: CSR float32, indexes sorted, every value at least 1.

    An item that a listener would get twice is theirs once, so the matrix holds somewhat fewer than n. The same seed
    gives the same matrix.
    """
    rng = np.random.default_rng(seed)
    share = rng.permutation(np.arange(1, n_listeners + 1) ** -LISTENER_TAIL)
    counts = np.clip(n * share / share.sum(), 1, n_items // 2).astype(np.int64)
    keys = np.repeat(np.arange(n_listeners, dtype=np.int64) * n_items, counts)
    ranks = n_items * rng.random(keys.size, dtype=np.float32) ** np.float32(ITEM_TAIL)
    # An item's index must not depend on its popularity.
    keys += rng.permutation(n_items)[np.minimum(ranks.astype(np.int64), n_items - 1)]
    keys.sort()
    keys = keys[np.diff(keys, prepend=-1) > 0]
    rows, items = np.divmod(keys, n_items)
    bounds = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_listeners))])
    plays = 1 + rng.standard_exponential(keys.size, dtype=np.float32)
    return sp.csr_matrix((plays, items.astype(np.int32), bounds), shape=(n_listeners, n_items))


def save(path: Path, matrix: sp.csr_matrix) -> Path:
    """Save a matrix for the measured processes, uncompressed so that reading costs little."""
    np.savez(path, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr, shape=matrix.shape)
    return path


def load(path: str) -> Interactions:
    """Load a matrix of `save` as interactions of age 0."""
    with np.load(path, allow_pickle=False) as kept:
        parts = (kept["data"], kept["indices"], kept["indptr"])
        matrix = sp.csr_matrix(parts, shape=tuple(kept["shape"]))
    return Interactions(matrix, np.zeros(matrix.nnz, dtype=np.int32))
