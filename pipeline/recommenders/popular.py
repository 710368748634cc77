"""What most listeners have played lately: the floor that others are measured from, and the list for strangers."""

from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.core.interactions import Interactions
from pipeline.core.topk import TopK
from pipeline.params import PopularRecipe
from pipeline.recommenders.scoring import best_products
from pipeline.recommenders.storage import StoredModel, read_model, write_model


class Popular:
    """Items by their listeners in the window's last days, the same order for everybody.

    The score is that number of listeners; of equal ones, the item with more recency-weighted plays comes first. Items
    heard before the recent window alone follow, by those plays w, with the score w / (2 + 2w), which is below ½. Items
    that nobody has heard are on no list.
    """

    def __init__(self, recipe: PopularRecipe) -> None:
        self.recipe = recipe
        self.n_listeners = 0
        self.scores = np.empty(0, dtype=np.float32)
        self.places = np.empty(0, dtype=np.int32)

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        item_idx, n_items = interactions.weights.indices, interactions.n_items
        recent = interactions.age_days < self.recipe.window_days
        listeners = np.bincount(item_idx[recent], minlength=n_items)
        plays = np.bincount(item_idx, weights=interactions.weights.data, minlength=n_items)
        scores = np.where(listeners > 0, listeners, plays / (2 + 2 * plays))
        order = np.lexsort((np.arange(n_items), -plays, -scores))
        self.scores = scores.astype(np.float32)
        self.places = np.empty(n_items, dtype=np.int32)
        self.places[order] = np.arange(n_items)
        self.n_listeners = interactions.n_listeners
        return self

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`."""
        # Ranked by place, not score: places hold the order among equal scores. Whole numbers, exact up to 2²⁴ items.
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
