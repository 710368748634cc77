"""Tonight's interactions in the rows of a model that was fitted on other days."""

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pipeline.features.interactions import load_interactions
from pipeline.features.lists import rows_of
from pipeline.storage.schemas import ITEM_MAP
from pipeline.storage.tables import read_table


def weights_by_items_of(model: Path, fold: Path) -> sp.csr_matrix:
    """Return the weights of a fold's listeners over a model's items; plays of items unknown to the model are left out.

    Args:
        model: a folder with the map of items.
        fold: a folder of interactions.parquet, listeners.parquet and items.parquet.

    Returns:
        CSR float32 of shape (listeners of the fold, items of the model).

    Raises:
        TableError: a table is missing or has other columns.
    """
    theirs, ours = (read_table(folder / "items.parquet", ITEM_MAP)["item_id"] for folder in (fold, model))
    weights, column = load_interactions(fold).weights, rows_of(theirs, ours)
    rows, columns = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr)), column[weights.indices]
    known = columns >= 0
    shape = (weights.shape[0], len(ours))
    mapped = sp.csr_matrix((weights.data[known], (rows[known], columns[known])), shape=shape)
    mapped.sort_indices()
    return mapped
