"""What is played after what."""

from typing import Annotated, Literal, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from pipeline.params.base import Count, NonNegative, Share
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import FoldingNeighbourModel, as_rows, best_of_rows
from pipeline.recommenders.order import no_follows
from pipeline.recommenders.search_space import Real, Whole


class TransitionsParams(FamilyParams):
    """Directed transitions: what all listeners play after what a listener plays."""

    family: Literal["transitions"] = "transitions"
    neighbours: Count
    """Followers kept for each item."""
    decay: Share
    """Weight of a pair one item further apart in a session, relative to the nearer one."""
    next_day: Share
    """Weight of a pair of neighbouring days, relative to a play right after another."""
    backward: Share
    """Weight of the reversed pair: 0 counts what was played after an item alone, 1 makes no difference of order."""
    shrinkage: NonNegative
    """Added to an item's transitions before they become probabilities: few of them say little."""
    beta: Annotated[float, Field(ge=0, le=2)]
    """Power of the discount of items that follow many: their transitions from all items."""


class Transitions(FoldingNeighbourModel[TransitionsParams]):
    """Sequential rules: an item votes for those that are played after it, the sooner the more (Kamehkhosh, Jannach &
    Ludewig, RecTemp 2017; Ludewig & Jannach, UMUAI 2018, where they compete with recurrent networks).

    Votes of item i for j: T_ij / (Σ_j T_ij + shrinkage) / (Σ_i T_ij)^β, with T the transitions of all listeners. The
    rules of those papers follow a session. A list of the night is for all that comes, so every item of the listener
    votes, by the logarithm of its recent plays.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`; without an order, nothing follows anything."""
        recipe, order = self.recipe, interactions.order or no_follows()
        moves = order.matrix(interactions.n_items, decay=recipe.decay, next_day=recipe.next_day)
        if recipe.backward:
            moves = sp.csr_matrix(moves + recipe.backward * moves.T, dtype=np.float32)
            moves.sort_indices()
        away = np.asarray(moves.sum(axis=1, dtype=np.float64)).ravel()
        towards = np.asarray(moves.sum(axis=0, dtype=np.float64)).ravel()
        scale = np.divide(1.0, away + recipe.shrinkage, out=np.zeros_like(away), where=away > 0)
        discount = np.power(towards, -recipe.beta, out=np.zeros_like(towards), where=towards > 0)
        votes = sp.csr_matrix(sp.diags(scale) @ moves, dtype=np.float32)
        self.similarity = as_rows(
            best_of_rows(votes, k=min(recipe.neighbours, max(interactions.n_items, 1)), discount=discount),
            interactions.n_items,
        )
        self.profiles = self._profiles(interactions.weights)
        return self


FAMILY = Family(
    Transitions,
    TransitionsParams,
    stochastic=False,
    needs_order=True,
    reason=Reason("“played after X”: what listeners go on to"),
    hours=Hours(upkeep=8, switching=4),
    search_space={
        "neighbours": Whole(20, 1000, log=True),
        "decay": Real(0.0, 1.0),
        "next_day": Real(0.0, 1.0),
        "backward": Real(0.0, 1.0),
        "shrinkage": Real(0.1, 100.0, log=True),
        "beta": Real(0.0, 1.0),
    },
    start=TransitionsParams(neighbours=200, decay=0.5, next_day=0.3, backward=0.5, shrinkage=5.0, beta=0.3),
)
