"""Another recipe's lists, re-ranked by what a play of each item costs in royalties."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.metrics.ranking import top_k
from pipeline.metrics.topk import TopK
from pipeline.params.base import NonNegative, RecipeName
from pipeline.recommenders.blending import normalised
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.members import fold_in_members
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.registry import build, parse_recipe
from pipeline.recommenders.storage import StoredModel, load_recommender, read_model, write_model


class ThriftyParams(EnsembleParams):
    """Another recipe's lists, re-ranked by royalties at a stated rate of exchange."""

    family: Literal["thrifty"] = "thrifty"
    members: Annotated[tuple[RecipeName], Field(strict=False)]
    """Name of the recipe that is re-ranked."""
    rate: NonNegative
    """What a play that costs the average royalty more must make up for: this much of the span between the scores of a
    listener's first and last candidate. 0 changes no list."""
    candidates: Annotated[int, Field(ge=10, le=10000)]
    """The recipe's best items for a listener, which are re-ranked."""


class Thrifty:
    """Items by normalised score − rate · (royalty / average royalty − 1).

    The rule is linear because money is: with a rate, a listener's list is the one with the highest score for its cost
    (a Lagrange multiplier on the royalties of the list). Where all items cost the same, the order is the recipe's own.

    Attributes:
        relative: float32 of shape (n_items,), the item's royalty by the average of all items.
        member: the recipe, fitted.
    """

    def __init__(self, recipe: ThriftyParams) -> None:
        self.recipe = recipe
        self.relative: npt.NDArray[np.float32] = np.empty(0, dtype=np.float32)
        self.members: dict[str, Recommender] = {}
        self.n_listeners = 0

    @property
    def member(self) -> Recommender:
        return self.members[self.recipe.members[0]]

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Without royalties, all items cost the same."""
        (name,), (recipe,) = self.recipe.members, self.recipe.member_recipes
        self.members = {name: build(recipe).fit(interactions, rng=rng)}
        prices = interactions.royalties
        average = float(prices.mean()) if prices is not None and prices.size else 0.0
        self.relative = np.ones(interactions.n_items, dtype=np.float32)
        if prices is not None and average > 0:
            self.relative = (prices / average).astype(np.float32)
        self.n_listeners = interactions.n_listeners
        return self

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`. Ties go to the item that the recipe ranks higher."""
        found = self.member.recommend(user_idx, k=max(k, self.recipe.candidates), exclude=exclude)
        dearer = np.append(self.relative, np.float32(1))[found.items] - 1
        scores = normalised(found) - np.float32(self.recipe.rate) * dearer
        best = top_k(np.where(found.items >= 0, scores, np.float32(-np.inf)), k=k)
        items = np.where(best.items >= 0, np.take_along_axis(found.items, np.maximum(best.items, 0), axis=1), -1)
        return TopK(items.astype(np.int32), best.scores)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`.

        Raises:
            RecipeError: the recipe cannot be folded into.
        """
        folded = type(self)(self.recipe)
        folded.relative, folded.n_listeners = self.relative, weights.shape[0]
        folded.members = fold_in_members(self.members, weights)
        return folded

    def save(self, folder: Path) -> None:
        """See `Recommender.save`. The recipe's model is saved in a folder of its own within it."""
        write_model(folder, StoredModel(self.recipe, self.n_listeners, len(self.relative), {"relative": self.relative}))
        self.member.save(folder / self.recipe.members[0])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            RecipeError: the model or the recipe's is missing or damaged.
        """
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.relative, model.n_listeners = stored.arrays["relative"], stored.n_listeners
        model.members = {model.recipe.members[0]: load_recommender(folder / model.recipe.members[0])}
        return model


FAMILY = Family(
    Thrifty,
    ThriftyParams,
    stochastic=True,
    needs_tuning=True,
    needs_royalties=True,
    reason=Reason("the reasons of the recipe that it re-ranks"),
    hours=Hours(upkeep=8, switching=4),
    start=ThriftyParams(
        members=("als",),
        member_recipes=(
            parse_recipe({"family": "als", "factors": 64, "regularization": 30.0, "confidence": 3.0, "iterations": 15}),
        ),
        rate=0.1,
        candidates=200,
    ),
)
