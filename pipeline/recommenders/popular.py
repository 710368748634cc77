"""What most listeners have played lately: the floor that others are measured from, and the list for strangers."""

from typing import Self

import numpy as np

from pipeline.params import PopularRecipe
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.one_list import OneList, plays_of_items, sum_by_item


class Popular(OneList[PopularRecipe]):
    """Items by their listeners in the window's last days, the same order for everybody.

    The score is that number of listeners; of equal ones, the item with more recency-weighted plays comes first. Items
    heard before the recent window alone follow, by those plays w, with the score w / (2 + 2w), which is below ½. Items
    that nobody has heard are on no list.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        listeners = sum_by_item(interactions, interactions.age_days < self.recipe.window_days)
        plays = plays_of_items(interactions)
        self._keep(np.where(listeners > 0, listeners, plays / (2 + 2 * plays)), interactions)
        return self
