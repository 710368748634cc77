"""Section `interactions` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.base import Count, Frozen, NonNegative, Positive


class InteractionParams(Frozen):
    """How plays become the listener-item matrix."""

    item: Literal["artist", "track"]
    """What is recommended."""
    min_seconds_played: NonNegative
    """Shortest play [s] that counts; a log without durations counts every play."""
    history_days: Annotated[int, Field(ge=1, le=36500)]
    """Days [d] before the window's end that interactions are made from."""
    half_life_days: Positive
    """Half-life [d] of a play's weight."""
    min_listeners_per_item: Count
    """Items with fewer listeners are left out of the catalogue."""
