"""NDCG: hits near the head of a list count more."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.metric import ListenerMetric
from pipeline.metrics.undefined import divide

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def ndcg(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen, TOIS 2002), binary gains.

    Σ hit_i / log2(i + 1), divided by the same sum for min(k, n_relevant) hits at the head: the ideal list is as short
    as k, so a perfect list scores 1 however many relevant items there are.

    Examples:
        One relevant item, in second place: 1 / log2(3). A listener without relevant items has no value.

        >>> hits = np.array([[False, True], [False, False]])
        >>> ndcg(hits, np.array([1, 0], dtype=np.int32)).round(4).tolist()
        [0.6309, nan]
    """
    k = hits.shape[1]
    discounts = 1.0 / np.log2(np.arange(2, k + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])[np.minimum(n_relevant, k)]
    # A sum by rows, not a BLAS product: the last bits then do not depend on the machine's BLAS.
    return divide(np.where(hits, discounts, 0.0).sum(axis=1), ideal)


METRIC = ListenerMetric(
    "ndcg",
    mean_name="ndcg",
    label="NDCG",
    description="Discounted gain of the relevant items on a list, relative to that of an ideal list.",
    values=ndcg,
    place=0,
)
