"""Weights of interactions."""

import numpy as np
import scipy.sparse as sp


def damped(weights: sp.csr_matrix) -> sp.csr_matrix:
    """Return log(1 + weight) of every entry: the tenth play of an item says less than the first."""
    # Copies: arrays read from Arrow are read-only, which implicit's kernels refuse.
    return sp.csr_matrix((np.log1p(weights.data), weights.indices.copy(), weights.indptr.copy()), shape=weights.shape)


def played(weights: sp.csr_matrix) -> sp.csr_matrix:
    """Return 1 for every entry: that an item was played, not how often."""
    ones = np.ones(weights.nnz, dtype=np.float32)
    return sp.csr_matrix((ones, weights.indices.copy(), weights.indptr.copy()), shape=weights.shape)
