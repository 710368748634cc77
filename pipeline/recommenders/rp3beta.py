"""A walk on the listener-item graph."""

from typing import Self

import numpy as np
import scipy.sparse as sp

from pipeline.params import Rp3BetaRecipe
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import NeighbourModel, nearest
from pipeline.recommenders.weighting import damped


class Rp3Beta(NeighbourModel[Rp3BetaRecipe]):
    """RP3β: the probability of reaching an item in three random steps from a listener, by the item's number of
    listeners to the power β (Paudel, Christoffel, Newell & Bernstein 2017).

    A step's probability is proportional to the edge's plays, dampened by log1p, and raised to the power α. Of the steps
    two and three only the `neighbours` best destinations of each item are kept.
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
    """Edge weights by the sum of their row, to the power alpha: CSR float32."""
    total = np.asarray(edges.sum(axis=1, dtype=np.float64)).ravel()
    scale = np.divide(1.0, total, out=np.zeros_like(total), where=total > 0)
    probabilities = sp.csr_matrix(sp.diags(scale) @ edges, dtype=np.float32)
    probabilities.data **= np.float32(alpha)
    return probabilities
