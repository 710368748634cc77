"""The items that most listeners played recently: the baseline for all models, and the list for unknown listeners."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field

from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.one_list import OneList, plays_of_items, sum_by_item
from pipeline.recommenders.search_space import Whole


class PopularParams(FamilyParams):
    """Items by their number of listeners in a recent window."""

    family: Literal["popular"] = "popular"
    window_days: Annotated[int, Field(ge=1, le=3650)]
    """Days [d] before the end of training in which listeners are counted."""


class Popular(OneList[PopularParams]):
    """Items by their listeners in the window's last days, in the same order for every listener.

    The score is that number of listeners; ties go to the item with more recency-weighted plays. Items heard only before
    the recent window follow, by those plays w, with the score w / (2 + 2w), which is below ½. Items without any
    listener are on no list.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`."""
        listeners = sum_by_item(interactions, interactions.age_days < self.recipe.window_days)
        plays = plays_of_items(interactions)
        self._keep(np.where(listeners > 0, listeners, plays / (2 + 2 * plays)), interactions)
        return self


FAMILY = Family(
    Popular,
    PopularParams,
    stochastic=False,
    reason=Reason("one list for all: anyone can check it", text="popular these days", names_own_items=False),
    hours=Hours(upkeep=0, switching=0),
    search_space={"window_days": Whole(1, 90, log=True)},
    start=PopularParams(window_days=14),
)
