"""The result of a recommender: the best k items for each listener."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class TopK:
    """Best items first.

    Attributes:
        items: int32 of shape (n_users, k), item_idx, padded with −1 where fewer items are left.
        scores: float32 of shape (n_users, k), descending in each row, padded with NaN.
    """

    items: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]
