"""Base class of neighbourhood models: each item of a listener votes for items that are similar to it."""

from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.row_bounds import row_bounds
from pipeline.recommenders.scoring import best_dense_votes, best_votes
from pipeline.recommenders.storage import StoredModel, read_model, write_model
from pipeline.recommenders.weighting import damped

R = TypeVar("R", bound=FamilyParams)
Dense = npt.NDArray[np.float32]


class NeighbourModel(Generic[R]):
    """A model that scores items by the votes of a listener's items: scores = profiles · similarity.

    Attributes:
        profiles: CSR float32 of shape (n_listeners, n_items), the strength of each vote.
        similarity: float32 of shape (n_items, n_items); row i has the votes of item i. CSR if items vote for few
            others, a dense array if they vote for all.

    Items without a vote are not listed, so lists may be shorter than k.
    """

    def __init__(self, recipe: R) -> None:
        self.recipe = recipe
        self.profiles = empty(0)
        self.similarity: sp.csr_matrix | Dense = empty(0)

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`."""
        if isinstance(self.similarity, np.ndarray):
            return best_dense_votes(self.profiles, self.similarity, user_idx, k=k, exclude=exclude)
        return best_votes(self.profiles, self.similarity, user_idx, k=k, exclude=exclude)

    def save(self, folder: Path) -> None:
        """See `Recommender.save`."""
        n_listeners, n_items = self.profiles.shape
        arrays, matrices = {}, {"profiles": self.profiles}
        if isinstance(self.similarity, np.ndarray):
            arrays["similarity"] = self.similarity
        else:
            matrices["similarity"] = self.similarity
        write_model(folder, StoredModel(self.recipe, n_listeners, n_items, arrays, matrices))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`."""
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.profiles = stored.matrices["profiles"]
        dense = stored.arrays.get("similarity")
        model.similarity = stored.matrices["similarity"] if dense is None else dense
        return model


class FoldingNeighbourModel(NeighbourModel[R]):
    """A neighbourhood model whose profiles follow from a listener's weights, so that new listeners can be folded in."""

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Exact, but for the similarity of items, which stays as fitted."""
        folded = type(self)(self.recipe)
        folded.profiles, folded.similarity = self._profiles(weights), self.similarity
        return folded

    def _profiles(self, weights: sp.csr_matrix) -> sp.csr_matrix:
        """Return the strength of each listener's votes: CSR float32 of the shape of `weights`."""
        return damped(weights)


def nearest(
    left: sp.csr_matrix, right: sp.csr_matrix, *, k: int, discount: npt.NDArray[np.float32] | None = None
) -> sp.csr_matrix:
    """Return the k largest positive entries of each row of left · right, in blocks of bounded memory.

    Args:
        left: CSR float32 of shape (n_items, n_listeners).
        right: CSR float32 of shape (n_listeners, n_items).
        discount: float32 of shape (n_items,), factors of the columns, applied before the largest are chosen.

    Returns:
        CSR float32 of shape (n_items, n_items), indexes sorted; ties go to the lower column.
    """
    n_items = right.shape[1]
    if not n_items:
        return empty(0)
    every = np.arange(left.shape[0], dtype=np.int32)
    return as_rows(best_votes(left, right, every, k=min(k, n_items), discount=discount), n_items)


def best_of_rows(rows: sp.csr_matrix, *, k: int, discount: npt.NDArray[np.floating] | None = None) -> TopK:
    """Return the k largest positive entries of each row, times the factor of their column; ties to the lower column."""
    n = rows.shape[0]
    every = np.arange(n, dtype=np.int32)
    identity = sp.csr_matrix(sp.identity(n, dtype=np.float32, format="csr"))
    factors = None if discount is None else discount.astype(np.float32)
    return best_votes(identity, rows, every, k=k, discount=factors)


def empty(n: int) -> sp.csr_matrix:
    """Return a matrix of shape (n, n) without entries."""
    return sp.csr_matrix(np.zeros((n, n), dtype=np.float32))


def as_rows(lists: TopK, n_items: int) -> sp.csr_matrix:
    """Return lists as rows of a CSR matrix of n_items columns, indexes sorted."""
    there = lists.items >= 0
    indptr = row_bounds(there.sum(axis=1))
    rows = sp.csr_matrix((lists.scores[there], lists.items[there], indptr), shape=(there.shape[0], n_items))
    rows.sort_indices()
    return rows
