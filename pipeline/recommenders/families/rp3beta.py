"""A random walk on the listener-item graph."""

from typing import Annotated, Literal, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from pipeline.params.base import Count
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import FoldingNeighbourModel, nearest
from pipeline.recommenders.search_space import Real, Whole
from pipeline.recommenders.weighting import damped


class Rp3BetaParams(FamilyParams):
    """A walk of three steps on the listener-item graph, discounted by popularity."""

    family: Literal["rp3beta"] = "rp3beta"
    neighbours: Count
    """Neighbours kept for each item."""
    alpha: Annotated[float, Field(ge=0, le=4)]
    """Power of the transition probabilities."""
    beta: Annotated[float, Field(ge=0, le=4)]
    """Power of the popularity discount."""


class Rp3Beta(FoldingNeighbourModel[Rp3BetaParams]):
    """RP3β: the probability of reaching an item from a listener in three random steps, divided by the item's number of
    listeners to the power β (Paudel, Christoffel, Newell & Bernstein 2017).

    A step's probability is proportional to the edge's plays, dampened by log1p, and raised to the power α. Of steps two
    and three only the `neighbours` best destinations of each item are kept.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        plays = damped(interactions.weights)
        to_items = self._profiles(interactions.weights)
        to_listeners = _transitions(sp.csr_matrix(plays.T), self.recipe.alpha)
        n_listeners = np.maximum(np.diff(to_listeners.indptr), 1).astype(np.float32)
        self.similarity = nearest(
            to_listeners, to_items, k=self.recipe.neighbours, discount=n_listeners**-self.recipe.beta
        )
        self.profiles = to_items
        return self

    def _profiles(self, weights: sp.csr_matrix) -> sp.csr_matrix:
        return _transitions(damped(weights), self.recipe.alpha)


def _transitions(edges: sp.csr_matrix, alpha: float) -> sp.csr_matrix:
    """Divide edge weights by the sum of their row and raise them to the power alpha: CSR float32."""
    total = np.asarray(edges.sum(axis=1, dtype=np.float64)).ravel()
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    probabilities = sp.csr_matrix(sp.diags(scale) @ edges, dtype=np.float32)
    probabilities.data **= np.float32(alpha)
    return probabilities


FAMILY = Family(
    Rp3Beta,
    Rp3BetaParams,
    stochastic=False,
    reason=Reason("“because you heard X”: paths in the graph"),
    hours=Hours(upkeep=8, switching=4),
    search_space={"neighbours": Whole(20, 1000, log=True), "alpha": Real(0.3, 2.0), "beta": Real(0.0, 1.0)},
    start=Rp3BetaParams(neighbours=200, alpha=1.0, beta=0.3),
)
