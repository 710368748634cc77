"""Average precision, whose mean is MAP."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import divide

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def average_precision(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Sum over hits of the precision at the hit, divided by min(k, n_relevant).

    trec_eval's map_cut and ranx divide by n_relevant, so that a perfect list of k scores less than 1 when there are
    more than k relevant items. Here a perfect list scores 1, as for NDCG; the two agree where n_relevant ≤ k.

    Examples:
        Hits at ranks 1 and 4 of 2 relevant items: (1/1 + 2/4) / 2.

        >>> average_precision(np.array([[True, False, False, True]]), np.array([2], dtype=np.int32)).tolist()
        [0.75]
    """
    k = hits.shape[1]
    at_hit = np.where(hits, np.cumsum(hits, axis=1) / np.arange(1, k + 1), 0.0)
    return divide(at_hit.sum(axis=1), np.minimum(n_relevant, k))


METRIC = ListenerMetric(
    "average_precision",
    mean_name="map",
    label="MAP",
    description="Mean of the precision at each relevant item of a list.",
    values=average_precision,
    place=3,
)
