"""The order in which items are played, as recommenders learn from it."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

FARTHEST = 3
"""The largest distance of two items in a session that is counted."""
NEXT_DAY = 0
"""Stands for the distance of two items that were played on neighbouring days."""


@dataclass(frozen=True)
class Follows:
    """What was played after what by all listeners together; aligned arrays, one entry for each pair and distance.

    Attributes:
        item_idx, next_idx: int32, an item and one that was played after it.
        distance: int8, by how many items later in the session, 1 to FARTHEST; NEXT_DAY if it was the day after.
        weight: float32 > 0, Σ times · 2^(−age / half-life).
    """

    item_idx: npt.NDArray[np.int32]
    next_idx: npt.NDArray[np.int32]
    distance: npt.NDArray[np.int8]
    weight: npt.NDArray[np.float32]

    def matrix(self, n_items: int, *, decay: float, next_day: float) -> sp.csr_matrix:
        """Return the weight of each pair, Σ weight · decay^(distance − 1), pairs of days counting `next_day`.

        Returns:
            CSR float32 of shape (n_items, n_items), row i what follows item i, indexes sorted, every entry > 0.

        Examples:
            Item 1 came right after item 0 twice, item 2 one later, and the day after.

            >>> i32, i8 = np.int32, np.int8
            >>> rows, columns, apart = np.array([0, 0, 0], i32), np.array([1, 2, 2], i32), np.array([1, 2, 0], i8)
            >>> order = Follows(rows, columns, apart, np.array([2, 1, 1], np.float32))
            >>> order.matrix(3, decay=0.5, next_day=0.25).toarray().tolist()
            [[0.0, 2.0, 0.75], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
        """
        counts = np.append(next_day, decay ** np.arange(FARTHEST)).astype(np.float32)
        weights = self.weight * counts[self.distance]
        found = sp.csr_matrix((weights, (self.item_idx, self.next_idx)), shape=(n_items, n_items), dtype=np.float32)
        found.sum_duplicates()
        found.eliminate_zeros()
        return found


def no_follows() -> Follows:
    """Return an order of nothing."""
    return Follows(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0, np.int8), np.empty(0, np.float32))
