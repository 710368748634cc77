"""Recall: how much of what a listener played was on the list."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import divide

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def recall(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Share of the relevant items that are on the list: hits / n_relevant.

    Examples:
        >>> recall(np.array([[True, False, True]]), np.array([8], dtype=np.int32)).tolist()
        [0.25]
    """
    return divide(hits.sum(axis=1), n_relevant)


METRIC = ListenerMetric(
    "recall",
    mean_name="recall",
    label="recall",
    description="Share of the relevant items that are on the list.",
    values=recall,
    place=1,
)
