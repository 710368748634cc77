"""Base class of factorisations: a vector for each listener and item, with their inner product as the score."""

from pathlib import Path
from typing import Annotated, Generic, Self, TypeVar

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.errors import RecipeError
from pipeline.metrics.topk import TopK
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.scoring import best_products
from pipeline.recommenders.storage import StoredModel, read_model, write_model

Factors = npt.NDArray[np.float32]


class FactorParams(FamilyParams):
    """A recipe of a factorisation."""

    factors: Annotated[int, Field(ge=1, le=4096)]
    """Latent dimensions."""


R = TypeVar("R", bound=FactorParams)


class FactorModel(Generic[R]):
    """Listener and item factors, float32 of shapes (n_listeners, factors) and (n_items, factors).

    A row of zeros is a listener or an item without interactions: such a listener gets an empty list, and such an item
    is on no list. All other items may be listed, even with a negative score: that is an unlikely item, not an unknown
    one.
    """

    def __init__(self, recipe: R) -> None:
        self.recipe = recipe
        self.listener_factors: Factors = np.empty((0, recipe.factors), dtype=np.float32)
        self.item_factors: Factors = np.empty((0, recipe.factors), dtype=np.float32)

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`."""
        lists = best_products(
            self.listener_factors,
            self.item_factors,
            user_idx,
            k=k,
            exclude=exclude,
            unlisted=np.asarray(~self.item_factors.any(axis=1)),
        )
        unknown = ~self.listener_factors[user_idx].any(axis=1)
        lists.items[unknown], lists.scores[unknown] = -1, np.nan
        return lists

    def save(self, folder: Path) -> None:
        """See `Recommender.save`."""
        arrays = {"listener_factors": self.listener_factors, "item_factors": self.item_factors}
        n_listeners, n_items = self.listener_factors.shape[0], self.item_factors.shape[0]
        write_model(folder, StoredModel(self.recipe, n_listeners, n_items, arrays))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`."""
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model._keep(stored.arrays["listener_factors"], stored.arrays["item_factors"])
        return model

    def _keep(self, listener_factors: Factors, item_factors: Factors) -> None:
        """Set the fitted factors.

        Raises:
            RecipeError: the fit diverged.
        """
        if not (np.isfinite(listener_factors).all() and np.isfinite(item_factors).all()):
            raise RecipeError(
                f"{self.recipe.family}: factors that are not finite",
                expected="a fit that converges",
                fix="Raise the recipe's regularization, or lower its confidence or learning_rate.",
            )
        self.listener_factors, self.item_factors = listener_factors, item_factors
