"""Section `validation` of params.yaml."""

from typing import Annotated

from pydantic import Field

from pipeline.params.base import Band, Count, Frozen, NonNegative, Positive, Share


class BotParams(Frozen):
    """Limits that no single person exceeds. Listeners above one are excluded, with the reason."""

    max_hours_per_day: Positive
    """Time played [h] in a UTC day, without the day's longest play (it may begin or end on another day)."""
    max_plays_per_day: Count
    """Plays in a UTC day."""
    max_rhythm_spread: Share
    """Coefficient of variation of the times between plays (standard deviation / mean); people are far above 1. Applied
    to days with more than half of max_plays_per_day."""
    habit_days: Annotated[int, Field(ge=2, le=365)]
    """Consecutive days [d] with plays in all 24 hours, or with a rhythm below max_rhythm_spread, after which a listener
    is excluded: a single such day happens to people."""
    max_listener_share: Share
    """Largest share of listeners [0, 1] that may be excluded; above it, the night stops, since the logs or these limits
    must be wrong."""


class ValidationParams(Frozen):
    """Bounds of the checks on plays and interactions."""

    min_plays: Count
    """Fewest visible plays [rows]; below, the night stops."""
    max_unknown_artist_share: Share
    """Largest share of visible plays [0, 1] without an artist name."""
    median_days: Annotated[int, Field(ge=7, le=365)]
    """Days [d] that a trailing median is taken over."""
    warn_day_ratio: Band
    """Plays and listeners of the latest day, relative to their trailing median; outside, a warning."""
    stop_day_ratio: Band
    """The same; outside, the night stops: logs landed in part, or twice under different ids."""
    min_listeners: Count
    """Fewest listeners of a median day for bands and shares to be checked: smaller samples vary too much."""
    warn_age_days: NonNegative
    """Days [d] from the last play to as_of; above, a warning."""
    stop_age_days: NonNegative
    """The same; above, the night stops."""
    max_top_listener_share: Share
    """Share of a day's plays [0, 1] by its 1 % most active listeners; above, a warning."""
    max_top_artist_share: Share
    """Share of a day's plays [0, 1] of the most played artist; above, a warning."""
    warn_psi: Positive
    """Population stability index of the decision window against the days before; above, a warning. By convention 0.1
    is a shift and 0.25 a major one."""
    stop_psi: Positive
    """The same; above, the night stops: such a shift is a wrong unit rather than a change of taste."""
    max_new_item_share: Share
    """Share of the window's items [0, 1] that are not in training; above, a warning."""
    min_kept_share: Share
    """Share of listeners and of items [0, 1] that remain in the matrix; below, a warning."""
    bots: BotParams
