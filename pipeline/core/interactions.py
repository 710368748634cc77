"""The listener-item matrix that recommenders learn from."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp


@dataclass(frozen=True)
class Interactions:
    """Recency-weighted plays.

    Attributes:
        weights: CSR float32 of shape (n_listeners, n_items), Σ plays · 2^(−age / half-life); column indexes sorted
            within each row, every stored value > 0.
        age_days: int32, aligned with `weights.data`: whole days from the last play to the end of the window.
    """

    weights: sp.csr_matrix
    age_days: npt.NDArray[np.int32]

    @property
    def n_listeners(self) -> int:
        return int(self.weights.shape[0])

    @property
    def n_items(self) -> int:
        return int(self.weights.shape[1])
