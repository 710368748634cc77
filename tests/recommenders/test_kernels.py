"""Kernels that are loaded ahead are those that lists are made with."""

import numpy as np
import scipy.sparse as sp

from pipeline.recommenders import kernels
from pipeline.recommenders.scoring import best_products, best_votes


def test_kernels_are_loaded_ahead_for_the_types_that_lists_use() -> None:
    kernels.load()
    factors, every = np.ones((3, 2), dtype=np.float32), np.arange(3, dtype=np.int32)
    heard, square = sp.csr_matrix(factors), sp.csr_matrix(np.ones((2, 2), dtype=np.float32))
    best_products(factors, factors[:2], every, k=2, exclude=heard, unlisted=np.array([True, False]))
    best_votes(heard, square, every, k=2, exclude=heard, discount=np.ones(2, dtype=np.float32))
    for kernel in (kernels.scan_tile, kernels.vote, kernels.sort_heaps):
        assert len(kernel.signatures) == 1, f"{kernel.__name__} is compiled for two kinds of arrays"
