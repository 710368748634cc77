"""Precision: how much of a list was played."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import where_relevant

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def precision(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Share of the list's k places that hold a relevant item: hits / k, also where the list is padded.

    Examples:
        >>> precision(np.array([[True, False, True, False]]), np.array([8], dtype=np.int32)).tolist()
        [0.5]
    """
    return where_relevant(hits.mean(axis=1, dtype=np.float64), n_relevant)


METRIC = ListenerMetric(
    "precision",
    mean_name="precision",
    label="precision",
    description="Share of the list's k places that hold a relevant item.",
    values=precision,
    place=2,
)
