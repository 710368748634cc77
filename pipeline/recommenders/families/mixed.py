"""A list of favourites and discoveries together."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.metrics.topk import TopK
from pipeline.params.base import RecipeName, Share
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.members import fold_in_members
from pipeline.recommenders.mixing import best_share, interleave, only
from pipeline.recommenders.neighbours import empty
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import StoredModel, load_recommender, read_model, write_model
from pipeline.recommenders.weighting import played

MAX_LISTENERS = 20_000
"""Listeners that the share is learnt from."""


class MixedParams(EnsembleParams):
    """Favourites of one recipe and discoveries of another, in one list."""

    family: Literal["mixed"] = "mixed"
    members: Annotated[tuple[RecipeName, ...], Field(strict=False, min_length=2, max_length=2)]
    """The recipe of favourites, such as one of the family `repeat`, then that of discoveries."""
    share_known: Share | None = None
    """Share of favourites; if left out, it is learnt on the tuning window."""
    worth_of_new: Share = 0.5
    """What hitting new items is worth beside hitting known ones, where the share is learnt: 0 nothing, 1 all."""
    tuned_at: Annotated[int, Field(ge=1, le=1000)] = 20
    """k of the NDCG@k that the share maximises."""


class Mixed:
    """Interleaves two recipes: what a listener knows, and what is new to them.

    Personal popularity alone is hard to beat at what people play next (Abbattista et al., RecSys 2024), and shows them
    nothing new; a list of discoveries alone misses most of what they play. The share of each is given or learnt.

    Attributes:
        share: of favourites, in [0, 1].
        heard: CSR of shape (n_listeners, n_items), an entry for each item that a listener has heard.
        members: fitted recommenders by name, favourites first.
    """

    def __init__(self, recipe: MixedParams) -> None:
        self.recipe = recipe
        self.share = 0.5 if recipe.share_known is None else recipe.share_known
        self.heard = empty(0)
        self.members: dict[str, Recommender] = {}

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Without plays in the tuning window, a share that is not given is one half."""
        names, recipes = self.recipe.members, self.recipe.member_recipes
        trial, final = (source.spawn(len(names)) for source in rng.spawn(2))
        self.share = 0.5 if self.recipe.share_known is None else self.recipe.share_known
        if self.recipe.share_known is None and interactions.tuning is not None:
            self._learn_share(interactions.tuning, trial)
        self.members = {
            name: build(recipe).fit(interactions, rng=own)
            for name, recipe, own in zip(names, recipes, final, strict=True)
        }
        self.heard = played(interactions.weights)
        return self

    def _learn_share(self, tuning: Tuning, sources: list[np.random.Generator]) -> None:
        judges = np.flatnonzero(tuning.n_relevant > 0).astype(np.int32)
        judges = judges[:: -(-len(judges) // MAX_LISTENERS) or 1]
        if not len(judges):
            return
        fitted = [
            build(recipe).fit(tuning.interactions, rng=own)
            for recipe, own in zip(self.recipe.member_recipes, sources, strict=True)
        ]
        heard, k = played(tuning.interactions.weights)[judges], self.recipe.tuned_at
        relevant = tuning.relevant[judges].astype(np.float32)
        known = sp.csr_matrix(relevant.multiply(heard))
        new = sp.csr_matrix(relevant - known)
        for each in (known, new):
            each.eliminate_zeros()
        n_known = np.diff(known.indptr).astype(np.int32)
        self.share = best_share(
            *_sides(fitted, judges, heard, None, k=k),
            known=known,
            new=new,
            n_known=n_known,
            n_new=tuning.n_relevant[judges] - n_known,
            worth_of_new=self.recipe.worth_of_new,
            k=k,
        )

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`. If heard items are excluded, only discoveries are left."""
        sides = _sides(list(self.members.values()), user_idx, self.heard[user_idx], exclude, k=k)
        return interleave(*sides, share=self.share, k=k)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Folds into both members; the share stays.

        Raises:
            RecipeError: a member cannot be folded into.
        """
        folded = type(self)(self.recipe)
        folded.share, folded.heard = self.share, played(weights)
        folded.members = fold_in_members(self.members, weights)
        return folded

    def save(self, folder: Path) -> None:
        """See `Recommender.save`. Each member is saved in a folder of its own within it."""
        share, (n_listeners, n_items) = np.array([self.share]), self.heard.shape
        # By this name, erasure empties a listener's row (`storage.PER_LISTENER`).
        matrices = {"profiles": self.heard}
        write_model(folder, StoredModel(self.recipe, n_listeners, n_items, {"share": share}, matrices))
        for name, member in self.members.items():
            member.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            RecipeError: the model or a member is missing or damaged.
        """
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.share, model.heard = float(stored.arrays["share"][0]), stored.matrices["profiles"]
        model.members = {name: load_recommender(folder / name) for name in model.recipe.members}
        return model


def _sides(
    members: list[Recommender],
    user_idx: npt.NDArray[np.int32],
    heard: sp.csr_matrix,
    exclude: sp.csr_matrix | None,
    *,
    k: int,
) -> tuple[TopK, TopK]:
    """Return favourites, which the listener has heard, and discoveries, which they have not."""
    favourites, discoveries = members
    out = heard if exclude is None else sp.csr_matrix(heard + exclude.astype(np.float32))
    out.sort_indices()
    own = only(favourites.recommend(user_idx, k=k, exclude=exclude), heard)
    return own, discoveries.recommend(user_idx, k=k, exclude=out)


FAMILY = Family(
    Mixed,
    MixedParams,
    stochastic=True,
    needs_tuning=True,
    needs_target="any",
    reason=Reason("what the listener plays most, and reasons of the nearest items"),
    hours=Hours(upkeep=25, switching=12),
    start=MixedParams(
        members=("repeat", "als"),
        member_recipes=(
            RepeatParams(half_life_days=30.0),
            AlsParams(factors=64, regularization=30.0, confidence=3.0, iterations=15),
        ),
    ),
)
