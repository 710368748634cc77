"""Section `monitoring` of params.yaml."""

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.params.base import Band, Count, Frozen, NonNegative, Positive, Share


class MonitoringParams(Frozen):
    """Bounds of the figures monitored night after night. A breach raises an alert; it never stops a night."""

    window_nights: Annotated[int, Field(ge=1, le=90)]
    """n, the latest nights that an alert considers."""
    breached_nights: Annotated[int, Field(ge=1, le=90)]
    """k, the nights out of n with a breach that raise an alert."""
    median_nights: Annotated[int, Field(ge=3, le=365)]
    """Nights that a trailing median is taken over."""
    min_nights: Annotated[int, Field(ge=3, le=365)]
    """Fewest nights for a trailing median; with fewer, bounds relative to it are not checked."""
    min_listeners: Count
    """Fewest active listeners for the shares of lists: smaller samples vary too much."""
    min_hit_rate_ratio: Share
    """Share of listeners who played something on their list, relative to its trailing median; below, a breach."""
    min_play_share_ratio: Share
    """Share of plays of items on lists, relative to its trailing median; below, a breach."""
    min_coverage_ratio: Share
    """Share of active listeners with a list of their own, relative to its trailing median; below, a breach."""
    max_psi: Positive
    """Population stability index of an input; above, a breach."""
    day_ratio: Band
    """Plays and listeners of the latest day, relative to their median over the days before; outside, a breach."""
    max_new_item_ratio: Annotated[float, Field(ge=1, allow_inf_nan=False)]
    """Share of items that were never played before, relative to its trailing median; above, a breach."""
    max_log_age_days: NonNegative
    """Days [d] from the last play to as_of; above, a breach."""
    max_lists_age_days: NonNegative
    """Days [d] that the served lists were in use until this night; above, a breach: nights were missed."""

    @model_validator(mode="after")
    def _counts_fit_their_windows(self) -> "MonitoringParams":
        if self.breached_nights > self.window_nights:
            raise ValueError(f"breached_nights {self.breached_nights} is more than window_nights {self.window_nights}")
        if self.min_nights > self.median_nights:
            raise ValueError(f"min_nights {self.min_nights} is more than median_nights {self.median_nights}")
        return self
