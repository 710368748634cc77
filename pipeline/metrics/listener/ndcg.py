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
    discounts, ideal = _discounts(hits.shape[1]), _ideal(hits.shape[1], n_relevant)
    # A sum by rows, not a BLAS product: the last bits then do not depend on the machine's BLAS.
    return divide(np.where(hits, discounts, 0.0).sum(axis=1), ideal)


def credits_of_hits(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Return the share of each hit in its listener's NDCG, float64 of shape (n_hits,), by listener, then by rank.

    A hit at rank i adds 1 / log2(i + 1), divided by the sum of the ideal list. A listener's credits add up to `ndcg`.

    Examples:
        A listener with two relevant items, found in the first and the third place.

        >>> hits = np.array([[True, False, True]])
        >>> credits_of_hits(hits, np.array([2], dtype=np.int32)).round(4).tolist()
        [0.6131, 0.3066]
    """
    rows, places = np.nonzero(hits)
    shares: Floats = _discounts(hits.shape[1])[places] / _ideal(hits.shape[1], n_relevant)[rows]
    return shares


def _discounts(k: int) -> Floats:
    return 1.0 / np.log2(np.arange(2, k + 2))


def _ideal(k: int, n_relevant: npt.NDArray[np.int32]) -> Floats:
    best: Floats = np.concatenate([[0.0], np.cumsum(_discounts(k))])[np.minimum(n_relevant, k)]
    return best


METRIC = ListenerMetric(
    "ndcg",
    mean_name="ndcg",
    label="NDCG",
    description="Discounted gain of the relevant items on a list, relative to that of an ideal list.",
    values=ndcg,
    place=0,
)
