"""Section `split` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.base import Frozen

Target = Literal["new", "any", "mixed"]


def suits(needed: Target | None, target: Target) -> bool:
    """Return whether a family that needs a target works with that of the night; lists of `mixed` may hold heard items,
    as those of `any`.

    Examples:
        >>> suits(None, "new"), suits("any", "mixed"), suits("any", "new")
        (True, True, False)
    """
    return needed in {None, target} or (needed == "any" and target == "mixed")


class SplitParams(Frozen):
    """Windows of time, and what a list should hit in them."""

    decision_days: Annotated[int, Field(ge=1, le=365)]
    """Length [d] of the decision window, the latest complete days before as_of."""
    tuning_days: Annotated[int, Field(ge=1, le=365)]
    """Length [d] of the tuning window, the days before the decision window: a blend learns its weights on it, and
    `netgain tune` measures trials on it."""
    target: Target
    """What a list should hit: `new`, items that the listener has not played before (heard items are then left out of
    lists), `any`, or `mixed`: any items, and the known and the new ones are also judged apart."""
