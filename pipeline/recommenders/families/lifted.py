"""A re-ranker that lifts the long tail at a stated price in accuracy."""

from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.topk import TopK
from pipeline.params.base import NonNegative, RecipeName, Share
from pipeline.recommenders.blending import normalised
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions, Tuning
from pipeline.recommenders.members import fold_in_members
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import StoredModel, load_recommender, read_model, write_model

LIFTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0)
"""Lifts that are tried, in ascending order."""
MAX_LISTENERS = 20_000
"""Listeners that the lift is learnt from."""


class LiftedParams(EnsembleParams):
    """Another recipe's lists, re-ranked in favour of items with few listeners."""

    family: Literal["lifted"] = "lifted"
    members: Annotated[tuple[RecipeName, ...], Field(strict=False, min_length=1, max_length=1)]
    """The recipe that is re-ranked."""
    candidates: Annotated[int, Field(ge=10, le=10000)] = 200
    """Items of the recipe that are re-ranked, its best for a listener."""
    lift: NonNegative | None = None
    """What an item that no listener has played would gain, in units of the range of a list's scores; if left out, it is
    learnt on the tuning window."""
    price: Share = 0.02
    """Where the lift is learnt: the largest loss of NDCG, relative to that without a lift."""
    tuned_at: Annotated[int, Field(ge=1, le=1000)] = 20
    """k of that NDCG@k."""


class Lifted:
    """Adds a bonus for unpopularity to scores that are rescaled to [0, 1] within a listener's candidates.

    The bonus is lift · (1 − log(1 + listeners) / log(1 + most listeners)). Re-ranking a recommender's own candidates
    keeps the price low and known (Abdollahpouri, Burke & Mobasher, FLAIRS 2019). The learnt lift is the largest whose
    loss of NDCG on the tuning window, with one standard error added, is within `price`.

    Attributes:
        lift: ≥ 0.
        tail: float32 of shape (n_items,), the bonus of each item for a lift of 1.
        members: the fitted recommender, by name.
    """

    def __init__(self, recipe: LiftedParams) -> None:
        self.recipe = recipe
        self.lift = recipe.lift or 0.0
        self.tail = np.empty(0, dtype=np.float32)
        self.members: dict[str, Recommender] = {}
        self.n_listeners = 0

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Without plays in the tuning window, a lift that is not given is 0."""
        (name,), (recipe,) = self.recipe.members, self.recipe.member_recipes
        trial, final = rng.spawn(2)
        self.lift = self.recipe.lift or 0.0
        if self.recipe.lift is None and interactions.tuning is not None:
            self.lift = self._learnt(interactions.tuning, trial)
        self.members = {name: build(recipe).fit(interactions, rng=final)}
        self.tail, self.n_listeners = tail_of(interactions.weights), interactions.n_listeners
        return self

    def _learnt(self, tuning: Tuning, rng: np.random.Generator) -> float:
        judges = np.flatnonzero(tuning.n_relevant > 0).astype(np.int32)
        judges = judges[:: -(-len(judges) // MAX_LISTENERS) or 1]
        if len(judges) < 2:
            return 0.0
        heard = tuning.interactions.weights[judges] if tuning.only_new else None
        fitted = build(self.recipe.member_recipes[0]).fit(tuning.interactions, rng=rng)
        top = fitted.recommend(judges, k=self.recipe.candidates, exclude=heard)
        tail, k = tail_of(tuning.interactions.weights), self.recipe.tuned_at
        plain, found = None, 0.0
        for lift in LIFTS:
            items = lifted(top, tail, lift=lift, k=k).items
            values = ndcg(hit_matrix(items, tuning.relevant[judges]), tuning.n_relevant[judges])
            plain = values if plain is None else plain
            loss = plain - values
            if loss.mean() + loss.std(ddof=1) / np.sqrt(len(loss)) > self.recipe.price * plain.mean():
                break
            found = lift
        return found

    def recommend(self, user_idx: npt.NDArray[np.int32], *, k: int, exclude: sp.csr_matrix | None = None) -> TopK:
        """See `Recommender.recommend`. Lists hold at most the recipe's `candidates`."""
        (member,) = self.members.values()
        top = member.recommend(user_idx, k=max(self.recipe.candidates, k), exclude=exclude)
        return lifted(top, self.tail, lift=self.lift, k=k)

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Folds into the recipe; lift and bonus stay.

        Raises:
            RecipeError: the recipe cannot be folded into.
        """
        folded = type(self)(self.recipe)
        folded.lift, folded.tail, folded.n_listeners = self.lift, self.tail, weights.shape[0]
        folded.members = fold_in_members(self.members, weights)
        return folded

    def save(self, folder: Path) -> None:
        """See `Recommender.save`. The recipe's model is saved in a folder of its own within it."""
        arrays = {"lift": np.array([self.lift]), "tail": self.tail}
        write_model(folder, StoredModel(self.recipe, self.n_listeners, len(self.tail), arrays))
        for name, member in self.members.items():
            member.save(folder / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """See `Recommender.load`.

        Raises:
            RecipeError: the model or the recipe's is missing or damaged.
        """
        stored = read_model(folder)
        model = cls(stored.recipe)  # type: ignore[arg-type]  # the registry chose this class by the recipe's family
        model.lift, model.tail = float(stored.arrays["lift"][0]), stored.arrays["tail"]
        model.n_listeners = stored.n_listeners
        model.members = {name: load_recommender(folder / name) for name in model.recipe.members}
        return model


def tail_of(weights: sp.csr_matrix) -> npt.NDArray[np.float32]:
    """Return 1 − log(1 + listeners) / log(1 + most listeners) of each item: float32 of shape (n_items,), in [0, 1].

    Examples:
        >>> tail_of(sp.csr_matrix(np.array([[1, 1, 0], [1, 0, 0], [1, 0, 0]]))).tolist()
        [0.0, 0.5, 1.0]
    """
    n = np.bincount(weights.indices, minlength=weights.shape[1])
    most = np.log1p(n.max(initial=0))
    tail: npt.NDArray[np.float32] = (1 - np.log1p(n) / (most if most > 0 else 1)).astype(np.float32)
    return tail


def lifted(top: TopK, tail: npt.NDArray[np.float32], *, lift: float, k: int) -> TopK:
    """Return the k items of each list with the highest rescaled score + lift · tail; ties go to the lower item.

    Examples:
        >>> top = TopK(np.array([[0, 1, 2]], dtype=np.int32), np.array([[4.0, 3.0, 2.0]], dtype=np.float32))
        >>> lifted(top, np.array([0.0, 0.75, 0.0], dtype=np.float32), lift=1.0, k=2).items.tolist()
        [[1, 0]]
    """
    there = top.items >= 0
    if not len(tail):
        tail = np.zeros(1, dtype=np.float32)
    values = np.where(there, normalised(top) + np.float32(lift) * tail[np.maximum(top.items, 0)], -np.inf)
    order = np.lexsort((top.items, -values), axis=1)[:, :k]
    items, scores = np.full((len(order), k), -1, np.int32), np.full((len(order), k), np.nan, np.float32)
    chosen = np.take_along_axis(values, order, axis=1)
    items[:, : order.shape[1]] = np.where(np.isfinite(chosen), np.take_along_axis(top.items, order, axis=1), -1)
    scores[:, : order.shape[1]] = np.where(np.isfinite(chosen), chosen, np.nan)
    return TopK(items, scores)


FAMILY = Family(
    Lifted,
    LiftedParams,
    stochastic=True,
    needs_tuning=True,
    reason=Reason("reasons of the nearest items; the long tail is lifted"),
    hours=Hours(upkeep=25, switching=10),
    start=LiftedParams(
        members=("als",),
        member_recipes=(AlsParams(factors=64, regularization=30.0, confidence=3.0, iterations=15),),
    ),
)
