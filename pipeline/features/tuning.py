"""The tuning window of a night, in the form that recommenders take."""

from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pipeline.features.interactions import load_interactions
from pipeline.features.lists import rows_of
from pipeline.recommenders.interactions import Tuning
from pipeline.storage.schemas import ITEM_MAP, LISTENER_MAP, RELEVANT
from pipeline.storage.tables import read_table


def load_tuning(folder: Path, *, only_new: bool) -> Tuning:
    """Return the interactions before the tuning window and, in the same rows, the relevant items within it.

    Listeners without earlier interactions get no list and are left out. Items without any cannot be on a list, but were
    missed: they count in `n_relevant`.

    Args:
        folder: data/tuning.
        only_new: whether lists leave out items that the listener has heard before (`split.target`).

    Raises:
        TableError: a table is missing or has other columns.
    """
    interactions = load_interactions(folder)
    relevant = read_table(folder / "relevant.parquet", RELEVANT)
    rows = rows_of(relevant["listener_id"], read_table(folder / "listeners.parquet", LISTENER_MAP)["listener_id"])
    columns = rows_of(relevant["item_id"], read_table(folder / "items.parquet", ITEM_MAP)["item_id"])
    n_relevant = np.bincount(rows[rows >= 0], minlength=interactions.n_listeners).astype(np.int32)
    known = (rows >= 0) & (columns >= 0)
    pairs = (rows[known], columns[known])
    matrix = sp.csr_matrix((np.ones(int(known.sum()), np.bool_), pairs), shape=interactions.weights.shape)
    matrix.sort_indices()
    return Tuning(interactions, matrix, n_relevant, only_new)
