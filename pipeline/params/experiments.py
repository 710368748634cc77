"""Section `experiments` of params.yaml."""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.params.base import Count, Frozen, RecipeName, Share

Design = Literal["holdback", "split", "interleave", "withhold"]
LAYERS: dict[Design, str] = {"holdback": "holdback", "split": "lists", "interleave": "lists", "withhold": "pairs"}
"""Experiments of one layer have different listeners; layers are independent of each other by their salts."""
EXPERIMENT_NAME = r"[a-z][a-z0-9_]{0,31}"


class Experiment(Frozen):
    """An experiment with listeners. Once a night has opened it, changes here have no effect: open another one."""

    design: Design
    """`holdback`: a share of listeners gets the popular list, to learn what lists are worth as a whole. `split`: half
    of the share gets the recipe's lists, half what the night serves. `interleave`: lists are drafted from both, which
    says which one listeners prefer, not what that is worth. `withhold`: some items are kept out of each list by chance,
    so that recipes can be compared on plays that no list has caused."""
    recipe: RecipeName | None = None
    """The challenger, of `recipes`; for split and interleave."""
    share: Annotated[float, Field(ge=0.0001, le=1)]
    """Share of all listeners who take part; of a holdback, the share held back (the others are its control)."""
    withheld: Annotated[float, Field(ge=0.01, le=0.5)] = 0.1
    """q, the probability with which an item is kept from a listener; for withhold."""
    nights: Count = 28
    """Budget: the experiment ends after so many nights. A holdback is then drawn anew."""
    end: dt.date | None = None
    """The last night at which it may run; it ends then, a holdback too."""
    max_loss: Share = 0.0
    """An arm stops itself if it is shown to lose more than this share of plays or of active days."""
    effect: Annotated[float, Field(gt=0, le=1)] = 0.01
    """Relative effect on plays that it is meant to find; its power is stated for this one."""

    @model_validator(mode="before")
    @classmethod
    def _dates_of_yaml(cls, value: object) -> object:
        if isinstance(value, dict) and isinstance(value.get("end"), str):
            return {**value, "end": dt.date.fromisoformat(value["end"])}
        return value

    @model_validator(mode="after")
    def _recipe_fits_design(self) -> "Experiment":
        needed = self.design in {"split", "interleave"}
        if needed and self.recipe is None:
            raise ValueError(f"design {self.design!r} needs a recipe to compare with what is served")
        if not needed and self.recipe is not None:
            raise ValueError(f"design {self.design!r} takes no recipe")
        if self.design == "holdback" and self.share > 0.5:
            raise ValueError("a holdback of more than half of the listeners: share is what is held back")
        return self

    @property
    def layer(self) -> str:
        """The layer whose salt assigns its listeners."""
        return LAYERS[self.design]
