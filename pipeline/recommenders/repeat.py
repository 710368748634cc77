"""A listener's own favourites: what others must beat where a list may hold what was heard before."""

from typing import Self

import numpy as np
import scipy.sparse as sp

from pipeline.params import RepeatRecipe
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import NeighbourModel


class Repeat(NeighbourModel[RepeatRecipe]):
    """The items that a listener has played most, late plays counting more; nothing that others play.

    The personal frequencies of Hu, He, Gao & Zhang (SIGIR 2020), which stand up to neural models of what is consumed
    again, with the recency that predicts it best (Anderson, Kumar, Tomkins & Vassilvitskii, WWW 2014): the score is
    weight · 2^(−age / half-life) for the days since the last play. Of equal ones, the lower item_idx comes first. It is
    the neighbourhood model in which an item votes for itself alone.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        plays = interactions.weights
        decayed = plays.data * np.exp2(-interactions.age_days / self.recipe.half_life_days)
        self.profiles = sp.csr_matrix(
            (decayed.astype(np.float32), plays.indices.copy(), plays.indptr.copy()), shape=plays.shape
        )
        self.similarity = sp.csr_matrix(sp.identity(interactions.n_items, dtype=np.float32, format="csr"))
        return self

    fold_in = None  # type: ignore[assignment]  # a fit follows the days since a last play, which are not folded in
