"""Top share: how much of all recommendations goes to the most popular items."""

import math

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import CatalogueMetric


def top_share(shown: npt.NDArray[np.int64], popularity: npt.NDArray[np.int32], *, share: float = 0.01) -> float:
    """Share of recommendations [0, 1] that go to the most popular items.

    Args:
        shown: shape (n_items,), from `exposure`.
        popularity: shape (n_items,), training listeners of each item; ties go to the lower item_idx.
        share: of the catalogue that counts as the top, at least one item.

    Returns:
        NaN where nothing was recommended.
    """
    total = int(shown.sum())
    if not total:
        return math.nan
    n_top = max(1, math.ceil(share * len(shown)))
    top = np.argsort(-popularity.astype(np.int64), kind="stable")[:n_top]
    return float(shown[top].sum() / total)


METRIC = CatalogueMetric(
    "top_1_percent_share",
    label="top 1 % share",
    description="Share of recommendations that go to the most popular 1 % of items.",
    value=lambda shown: top_share(shown.exposure, shown.popularity),
    direction="lower",
    place=3,
)
