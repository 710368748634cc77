"""An ensemble: the weighted sum of several recipes' scores, the weights learnt on the tuning window."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.errors import RecipeError
from pipeline.metrics.topk import TopK
from pipeline.recommenders.blending import Weights, blend, learnt_weights
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.members import fold_in_members
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import StoredModel, load_recommender, read_model, write_model

MAX_LISTENERS = 20_000
"""Listeners that weights are learnt from: more would need more memory and hardly change the mean NDCG."""


class BlendParams(EnsembleParams):
    """A weighted sum of other recipes' scores, the weights learnt on the tuning window."""

    family: Literal["blend"] = "blend"
    candidates: Annotated[int, Field(ge=10, le=10000)]
    """Items of each member that are blended, its best for a listener."""
    tuned_at: Annotated[int, Field(ge=1, le=1000)]
    """k of the NDCG@k that the weights maximise."""


class Blend:
    """A linear blend of other families, as the one that won the Netflix Prize (Töscher, Jahrer & Bell 2009).

    Every member is fitted twice: on the days before the tuning window, to choose the weights that rank best in it,
    shrunk towards equal ones by how little its listeners can tell, and on all days. So no member is weighted by days
    that it was fitted on; both fits are part of the blend's cost. A member of weight 0 is left out of the second fit,
    of the model and of its lists.

    Attributes:
        weights: float64 of shape (n_members,), in the order of the recipe.
        members: fitted recommenders by name, those of a weight above 0.
    """

    def __init__(self, recipe: BlendParams) -> None:
        self.recipe = recipe
        self.weights: Weights = np.full(len(recipe.members), 1 / len(recipe.members))
        self.members: dict[str, Recommender] = {}
        self.n_listeners, self.n_items = 0, 0

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Without plays in the tuning window, all members have the same weight."""
        names, recipes = self.recipe.members, self.recipe.member_recipes
        trial, final = (source.spawn(len(names)) for source in rng.spawn(2))
        self.weights = np.full(len(names), 1 / len(names))
        if interactions.tuning is not None:
            self._learn_weights(interactions.tuning, trial)
        self.members = {
            name: build(recipe).fit(interactions, rng=own)
            for name, recipe, own, weight in zip(names, recipes, final, self.weights, strict=True)
            if weight > 0
        }
        self.n_listeners, self.n_items = interactions.n_listeners, interactions.n_items
        return self

    def _learn_weights(self, tuning: Tuning, sources: list[np.random.Generator]) -> None:
        judges = np.flatnonzero(tuning.n_relevant > 0).astype(np.int32)
        judges = judges[:: -(-len(judges) // MAX_LISTENERS) or 1]
        if not len(judges):
            return
        heard = tuning.interactions.weights[judges] if tuning.only_new else None
        lists = [
            build(recipe).fit(tuning.interactions, rng=own).recommend(judges, k=self.recipe.candidates, exclude=heard)
            for recipe, own in zip(self.recipe.member_recipes, sources, strict=True)
        ]
        self.weights = learnt_weights(lists, tuning.relevant[judges], tuning.n_relevant[judges], k=self.recipe.tuned_at)

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`. Lists hold at most all members' candidates."""
        depth = self.recipe.candidates
        lists = [member.recommend(user_idx, k=depth, exclude=exclude) for member in self.members.values()]
        return blend(lists, self.weights[self.weights > 0].tolist(), n_items=self.n_items, k=k)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Folds into each member; their weights stay.

        Raises:
            RecipeError: a member cannot be folded into.
        """
        folded = type(self)(self.recipe)
        folded.weights, folded.n_listeners, folded.n_items = self.weights, weights.shape[0], self.n_items
        folded.members = fold_in_members(self.members, weights)
        return folded

    def save(self, folder: Path) -> None:
        """See `Recommender.save`. Each member is saved in a folder of its own within it."""
        write_model(folder, StoredModel(self.recipe, self.n_listeners, self.n_items, {"weights": self.weights}))
        for name, member in self.members.items():
            member.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            RecipeError: the blend or a member is missing or damaged.
        """
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        if stored.arrays["weights"].shape != model.weights.shape:
            raise RecipeError(
                f"{folder} has {stored.arrays['weights'].size} weights",
                expected=f"one for each of {', '.join(model.recipe.members)}",
                fix="Fit it again.",
            )
        model.weights = stored.arrays["weights"]
        model.n_listeners, model.n_items = stored.n_listeners, stored.n_items
        model.members = {
            name: load_recommender(folder / name)
            for name, weight in zip(model.recipe.members, model.weights, strict=True)
            if weight > 0
        }
        return model


FAMILY = Family(
    Blend,
    BlendParams,
    stochastic=True,
    needs_tuning=True,
    reason=Reason("several models at once; reasons of the nearest items"),
    hours=Hours(upkeep=60, switching=24),
)
