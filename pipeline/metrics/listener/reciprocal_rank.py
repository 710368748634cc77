"""Reciprocal rank, whose mean is MRR."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import where_relevant

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def reciprocal_rank(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """1 / rank of the first hit within k, 0 without one.

    Examples:
        >>> reciprocal_rank(np.array([[False, True, True, False]]), np.array([2], dtype=np.int32)).tolist()
        [0.5]
    """
    first = np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)
    return where_relevant(first, n_relevant)


METRIC = ListenerMetric(
    "reciprocal_rank",
    mean_name="mrr",
    label="MRR",
    description="1 / rank of the first relevant item of a list; 0 without one.",
    values=reciprocal_rank,
    place=4,
)
