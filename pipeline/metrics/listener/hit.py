"""Hit: whether a list holds anything that was played."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import where_relevant

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def hit(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """1 where the list holds at least one relevant item, else 0."""
    return where_relevant(hits.any(axis=1).astype(np.float64), n_relevant)


METRIC = ListenerMetric(
    "hit",
    mean_name="hit_rate",
    label="hit rate",
    description="Share of listeners whose list holds at least one relevant item.",
    values=hit,
    place=5,
)
