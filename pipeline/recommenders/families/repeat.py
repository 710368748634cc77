"""A listener's own favourites: the baseline if lists may hold what was heard before."""

from typing import Literal, Self

import numpy as np
import scipy.sparse as sp

from pipeline.params.base import Positive
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import NeighbourModel
from pipeline.recommenders.search_space import Real


class RepeatParams(FamilyParams):
    """A listener's own favourites, weighted by recency."""

    family: Literal["repeat"] = "repeat"
    half_life_days: Positive
    """Half-life [d] of a favourite's weight, from its last play; on top of interactions.half_life_days."""


class Repeat(NeighbourModel[RepeatParams]):
    """The items that a listener has played most, recent plays counting more.

    The personal frequencies of Hu, He, Gao & Zhang (SIGIR 2020), which compete with neural models of repeat
    consumption, with recency, its best predictor (Anderson, Kumar, Tomkins & Vassilvitskii, WWW 2014): the score is
    weight · 2^(−age / half-life), the age counted in days since the last play. Ties go to the lower item_idx. This is
    the neighbourhood model in which an item votes for itself only. It cannot fold in new plays: scores follow the age
    of the last play, which `fold_in` is not given.
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


FAMILY = Family(
    Repeat,
    RepeatParams,
    stochastic=False,
    needs_target="any",
    reason=Reason("what the listener plays most: they know it"),
    hours=Hours(upkeep=2, switching=2),
    search_space={"half_life_days": Real(1.0, 365.0, log=True)},
    start=RepeatParams(half_life_days=30.0),
)
