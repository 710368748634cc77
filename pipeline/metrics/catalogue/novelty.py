"""Novelty: how unexpected recommendations are."""

import math

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import CatalogueMetric


def novelty(shown: npt.NDArray[np.int64], popularity: npt.NDArray[np.int32], n_listeners: int) -> float:
    """Mean self-information of a recommendation [bit], −log2 p(item) (Zhou et al., PNAS 2010).

    Args:
        shown: shape (n_items,), from `exposure`.
        popularity: shape (n_items,), training listeners of each item; p is its share of `n_listeners`.
        n_listeners: listeners in training.

    Returns:
        NaN where nothing was recommended. An item without a training listener counts as if it had one.
    """
    total = int(shown.sum())
    if not total or n_listeners < 1:
        return math.nan
    bits = -np.log2(np.maximum(popularity, 1) / n_listeners)
    return float((bits * shown).sum() / total)


METRIC = CatalogueMetric(
    "novelty",
    label="novelty",
    description="Mean self-information of a recommended item, by its share of listeners.",
    value=lambda shown: novelty(shown.exposure, shown.popularity, shown.n_listeners),
    unit="bit",
    place=1,
)
