"""What neighbourhood models share: each item's nearest items, and a listener's items that vote for theirs."""

from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.core.topk import TopK
from pipeline.params import ItemKnnRecipe, Rp3BetaRecipe
from pipeline.recommenders.scoring import best_votes
from pipeline.recommenders.storage import StoredModel, read_model, write_model
from pipeline.recommenders.weighting import damped

R = TypeVar("R", bound=ItemKnnRecipe | Rp3BetaRecipe)


class NeighbourModel(Generic[R]):
    """Votes of a listener's items: scores = profiles · similarity.

    Attributes:
        profiles: CSR float32 of shape (n_listeners, n_items), the strength of each vote.
        similarity: CSR float32 of shape (n_items, n_items), in row i the nearest items of item i.

    An item that no vote reaches has no evidence and is on no list, so a list may be short.
    """

    def __init__(self, recipe: R) -> None:
        self.recipe = recipe
        self.profiles = _empty(0)
        self.similarity = _empty(0)

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`."""
        return best_votes(self.profiles, self.similarity, user_idx, k=k, exclude=exclude)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Exact but for the neighbours of items, which stay."""
        folded = type(self)(self.recipe)
        folded.profiles, folded.similarity = self._profiles(weights), self.similarity
        return folded

    def _profiles(self, weights: sp.csr_matrix) -> sp.csr_matrix:
        """How strongly each listener's items vote."""
        return damped(weights)

    def save(self, folder: Path) -> None:
        """See `Recommender.save`."""
        n_listeners, n_items = self.profiles.shape
        matrices = {"profiles": self.profiles, "similarity": self.similarity}
        write_model(folder, StoredModel(self.recipe, n_listeners, n_items, matrices=matrices))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`."""
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.profiles, model.similarity = stored.matrices["profiles"], stored.matrices["similarity"]
        return model


def nearest(
    left: sp.csr_matrix, right: sp.csr_matrix, *, k: int, discount: npt.NDArray[np.float32] | None = None
) -> sp.csr_matrix:
    """The k largest positive entries of each row of left · right, in blocks of bounded memory.

    Args:
        left: CSR float32 of shape (n_items, n_listeners).
        right: CSR float32 of shape (n_listeners, n_items).
        discount: float32 of shape (n_items,), multiplied onto the columns before the largest are chosen.

    Returns:
        CSR float32 of shape (n_items, n_items), indexes sorted; ties go to the lower column.
    """
    n_items = right.shape[1]
    if not n_items:
        return _empty(0)
    every = np.arange(left.shape[0], dtype=np.int32)
    return _as_rows(best_votes(left, right, every, k=min(k, n_items), discount=discount), n_items)


def _empty(n: int) -> sp.csr_matrix:
    return sp.csr_matrix(np.zeros((n, n), dtype=np.float32))


def _as_rows(lists: TopK, n_items: int) -> sp.csr_matrix:
    there = lists.items >= 0
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    rows = sp.csr_matrix((lists.scores[there], lists.items[there], indptr), shape=(there.shape[0], n_items))
    rows.sort_indices()
    return rows
