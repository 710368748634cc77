"""What neighbourhood models share: each item's nearest items, and a listener's items that vote for theirs."""

from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.core.ranking import top_k
from pipeline.core.topk import TopK
from pipeline.params import ItemKnnRecipe, Rp3BetaRecipe
from pipeline.recommenders.scoring import block_rows, recommend_in_blocks
from pipeline.recommenders.storage import StoredModel, read_model, write_model

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
        n_listeners, n_items = self.profiles.shape

        def score(start: int, stop: int) -> npt.NDArray[np.float32]:
            # SciPy sums each row by itself, in the order of its votes: no other row touches its bits.
            votes = self.profiles[start:stop] @ self.similarity
            scores = np.full((stop - start, n_items), -np.inf, dtype=np.float32)
            scores[np.repeat(np.arange(stop - start), np.diff(votes.indptr)), votes.indices] = votes.data
            scores[scores <= 0] = -np.inf
            return scores

        return recommend_in_blocks(score, user_idx, n_listeners=n_listeners, n_items=n_items, k=k, exclude=exclude)

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
    size = block_rows(n_items)
    blocks = []
    for start in range(0, n_items, size):
        scores = (left[start : start + size] @ right).toarray()
        if discount is not None:
            scores *= discount
        scores[scores <= 0] = -np.inf
        blocks.append(_as_rows(top_k(scores, k=min(k, n_items)), n_items))
    if not blocks:
        return _empty(n_items)
    return sp.csr_matrix(sp.vstack(blocks, format="csr"))


def _empty(n: int) -> sp.csr_matrix:
    return sp.csr_matrix(np.zeros((n, n), dtype=np.float32))


def _as_rows(lists: TopK, n_items: int) -> sp.csr_matrix:
    there = lists.items >= 0
    indptr = np.concatenate([[0], np.cumsum(there.sum(axis=1))])
    rows = sp.csr_matrix((lists.scores[there], lists.items[there], indptr), shape=(there.shape[0], n_items))
    rows.sort_indices()
    return rows
