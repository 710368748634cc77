"""Types that several sections of params.yaml share."""

import re
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]

RECIPE_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
RecipeName = Annotated[str, Field(pattern=f"^{RECIPE_NAME.pattern}$")]


class Frozen(BaseModel):
    """A value: immutable, strict about types, closed to unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Band(Frozen):
    """An interval around 1, for a figure relative to its usual value."""

    low: NonNegative
    high: Positive

    @model_validator(mode="after")
    def _around_one(self) -> "Band":
        if not self.low <= 1 <= self.high:
            raise ValueError(f"low {self.low:g} and high {self.high:g} do not stand around 1")
        return self
