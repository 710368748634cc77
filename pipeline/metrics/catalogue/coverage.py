"""Catalogue coverage: how much of the catalogue lists show."""

import math

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import CatalogueMetric


def catalogue_coverage(shown: npt.NDArray[np.int64]) -> float:
    """Share of the catalogue [0, 1] that is in at least one list; NaN for an empty catalogue.

    Args:
        shown: shape (n_items,), from `exposure`.
    """
    return float(np.count_nonzero(shown) / len(shown)) if len(shown) else math.nan


METRIC = CatalogueMetric(
    "catalogue_coverage",
    label="coverage",
    description="Share of the catalogue that is in at least one list.",
    value=lambda shown: catalogue_coverage(shown.exposure),
    direction="higher",
    place=0,
)
