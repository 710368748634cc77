"""Gini index: how unevenly lists share out attention."""

import math

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import CatalogueMetric


def gini(shown: npt.NDArray[np.int64]) -> float:
    """Gini index of exposure over the whole catalogue.

    Σ (2i − n − 1) x_i / (n Σ x), x ascending, i from 1.

    Args:
        shown: shape (n_items,), from `exposure`.

    Returns:
        0 where every item is shown as often, 1 − 1/n where only one item is shown; NaN where nothing was recommended.
    """
    n, total = len(shown), int(shown.sum())
    if not total:
        return math.nan
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float((weights * np.sort(shown)).sum() / (n * total))


METRIC = CatalogueMetric(
    "gini",
    label="Gini index",
    description="Inequality of how often items are shown: 0 where all are shown as often.",
    value=lambda shown: gini(shown.exposure),
    unit="index",
    place=2,
)
