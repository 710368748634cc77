"""What is popular now: a floor that moves faster than `popular`."""

from typing import Self

import numpy as np

from pipeline.params import RecentRecipe
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.one_list import OneList, sum_by_item


class Recent(OneList[RecentRecipe]):
    """Items by their listeners, each counting 2^(−age / half-life) for the days since their last play of the item.

    The DecayPop of Ji, Sun, Zhang & Li (SIGIR 2020), counted in listeners, as one of them may play an artist all day.
    `popular` is their RecentPop: a window, in which all days count alike and before which none does. Items that nobody
    has heard are on no list.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        # Never 0, however long ago: that is the score of what nobody has heard.
        listeners = np.maximum(np.exp2(-interactions.age_days / self.recipe.half_life_days), np.finfo(np.float32).tiny)
        self._keep(sum_by_item(interactions, listeners), interactions)
        return self
