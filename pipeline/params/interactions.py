"""Section `interactions` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field

from pipeline.params.base import Count, Frozen, NonNegative, Positive

PLACEHOLDERS = (
    "unknown artist",
    "unknown",
    "[unknown]",
    "<unknown>",
    "(unknown)",
    "[unknown artist]",
    "<unknown artist>",
    "various artists",
    "[no artist]",
    "music library uploads",
)
"""What players and services write in place of an artist."""


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
    placeholder_artists: Annotated[tuple[str, ...], Field(strict=False)] = PLACEHOLDERS
    """Names in place of an artist, in any case and with any blanks around them: such a play counts as one, but is never
    an item, a target or a recommendation. (Not strict: YAML has lists, no tuples.)"""
    order: bool = False
    """Whether to keep what was played after what, for families that learn from it (`transitions`)."""
