"""Section `evaluation` of params.yaml."""

from typing import Annotated

from pydantic import Field

from pipeline.params.base import Count, Frozen, Share


class EvaluationParams(Frozen):
    """Length of the evaluated lists, and the slices of listeners."""

    k: Annotated[int, Field(ge=1, le=1000)]
    """Length of the lists that are evaluated: that of the lists that are served, `lists.n_items`."""
    light_share: Share
    """Share of listeners, those with the fewest plays, in the slice `light`."""
    heavy_share: Share
    """Share of listeners, those with the most plays, in the slice `heavy`."""
    new_listener_days: Count
    """Listeners first heard within this many days [d] before the decision window are in the slice `new`."""
