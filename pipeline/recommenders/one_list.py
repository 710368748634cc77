"""Base of families that give every listener the same list: a score for each item, and the order that follows."""

from pathlib import Path
from typing import Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.scoring import best_products
from pipeline.recommenders.storage import StoredModel, read_model, write_model

R = TypeVar("R", bound=FamilyParams)
Number = TypeVar("Number", bound=np.number | np.bool_)


class OneList(Generic[R]):
    """The same order of items for all listeners, by descending score, without the items excluded for a listener.

    Attributes:
        n_listeners: number of rows of the matrix that it was fitted on.
        scores: float32 of shape (n_items,); items with score 0 are not listed.
        places: int32 of shape (n_items,), each item's position in the order, with ties resolved.
    """

    def __init__(self, recipe: R) -> None:
        self.recipe = recipe
        self.n_listeners = 0
        self.scores = np.empty(0, dtype=np.float32)
        self.places = np.empty(0, dtype=np.int32)

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`."""
        # Ranked by place, not score, since places order equal scores too. As float32 they are exact up to 2²⁴ items.
        lists = best_products(
            np.ones((self.n_listeners, 1), dtype=np.float32),
            -self.places[:, None].astype(np.float32),
            user_idx,
            k=k,
            exclude=exclude,
            unlisted=self.scores <= 0,
        )
        there = lists.items >= 0
        scores = np.full(lists.items.shape, np.nan, dtype=np.float32)
        scores[there] = self.scores[lists.items[there]]
        return TopK(lists.items, scores)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. The same list, for these listeners."""
        folded = type(self)(self.recipe)
        folded.n_listeners, folded.scores, folded.places = weights.shape[0], self.scores, self.places
        return folded

    def save(self, folder: Path) -> None:
        """See `Recommender.save`."""
        arrays = {"scores": self.scores, "places": self.places}
        write_model(folder, StoredModel(self.recipe, self.n_listeners, self.scores.size, arrays))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`."""
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.n_listeners = stored.n_listeners
        model.scores, model.places = stored.arrays["scores"], stored.arrays["places"]
        return model

    def _keep(self, scores: npt.NDArray[np.float64], interactions: Interactions) -> None:
        """Set scores of shape (n_items,), ≥ 0. Ties go to the item with more recency-weighted plays, then to the lower
        item_idx."""
        order = np.lexsort((np.arange(scores.size), -plays_of_items(interactions), -scores))
        self.scores = scores.astype(np.float32)
        self.places = np.empty(scores.size, dtype=np.int32)
        self.places[order] = np.arange(scores.size)
        self.n_listeners = interactions.n_listeners


def plays_of_items(interactions: Interactions) -> npt.NDArray[np.float64]:
    """Return the recency-weighted plays of each item by all listeners: float64 of shape (n_items,)."""
    return sum_by_item(interactions, interactions.weights.data)


def sum_by_item(interactions: Interactions, values: npt.NDArray[Number]) -> npt.NDArray[np.float64]:
    """Sum values, aligned with `weights.data`, over the listeners of each item: float64 of shape (n_items,)."""
    sums = np.bincount(interactions.weights.indices, weights=values, minlength=interactions.n_items)
    return sums.astype(np.float64, copy=False)
