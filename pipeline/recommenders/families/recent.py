"""What is popular now: a baseline that reacts faster than `popular`."""

from typing import Literal, Self

import numpy as np

from pipeline.params.base import Positive
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.one_list import OneList, sum_by_item
from pipeline.recommenders.search_space import Real


class RecentParams(FamilyParams):
    """Items by their number of listeners, weighted by recency."""

    family: Literal["recent"] = "recent"
    half_life_days: Positive
    """Half-life [d] of a listener's weight, from their last play of the item."""


class Recent(OneList[RecentParams]):
    """Items by Σ over listeners of 2^(−age / half-life), the age counted in days since the listener's last play.

    This is the DecayPop of Ji, Sun, Zhang & Li (SIGIR 2020), counted in listeners rather than plays, since one listener
    may play an artist all day. `popular` is their RecentPop: a window in which all days count alike. Items without any
    listener are on no list.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        # Never 0, however old the play: a score of 0 means that the item has no listener.
        listeners = np.maximum(np.exp2(-interactions.age_days / self.recipe.half_life_days), np.finfo(np.float32).tiny)
        self._keep(sum_by_item(interactions, listeners), interactions)
        return self


FAMILY = Family(
    Recent,
    RecentParams,
    stochastic=False,
    reason=Reason("one list for all: anyone can check it", text="played by many recently", names_own_items=False),
    hours=Hours(upkeep=2, switching=2),
    search_space={"half_life_days": Real(0.5, 90.0, log=True)},
    start=RecentParams(half_life_days=7.0),
)
