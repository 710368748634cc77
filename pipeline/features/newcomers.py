"""Lists of newcomers, of whom nothing but a few items is known; the same code when they are served and measured."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.protocol import FoldsIn, Recommender
from pipeline.recommenders.row_bounds import row_bounds

NAMED_ITEMS = 3
"""How many items a newcomer is asked for."""
NAMED_WEIGHT = 5.0
"""What naming an item counts for: as many plays today."""


def lists_of_newcomers(model: Recommender, named: Sequence[npt.NDArray[np.integer]], *, n_items: int, k: int) -> TopK:
    """Return the lists of newcomers from a fitted model that folds in; without the items that they named.

    Args:
        model: a fitted model; see `folds_in`.
        named: for each newcomer, the named items' rows in the model, without repeats.
        n_items: items of the model.
        k: length of the lists.

    Returns:
        TopK of shape (len(named), k).
    """
    assert isinstance(model, FoldsIn)
    indptr = row_bounds([len(rows) for rows in named])
    columns = np.concatenate([*named, np.empty(0, dtype=np.int32)]).astype(np.int32)
    weights = sp.csr_matrix(
        (np.full(len(columns), NAMED_WEIGHT, dtype=np.float32), columns, indptr), shape=(len(named), n_items)
    )
    weights.sort_indices()
    return model.fold_in(weights).recommend(np.arange(len(named), dtype=np.int32), k=k, exclude=weights)
