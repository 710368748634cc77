"""Ranking metrics over the whole catalogue, one value for each listener; averaging is a step of its own.

Sampled metrics rank models inconsistently (Krichene & Rendle, KDD 2020), so nothing here samples. Relevance is binary.
A listener without relevant items has no value: NaN, not 0. A listener without a list has one: 0.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

METRICS = ("ndcg", "recall", "precision", "average_precision", "reciprocal_rank", "hit")
"""Columns of a listener's values."""

MEAN_NAMES = {
    "ndcg": "ndcg",
    "recall": "recall",
    "precision": "precision",
    "average_precision": "map",
    "reciprocal_rank": "mrr",
    "hit": "hit_rate",
}
"""What the mean of each column is called."""


def hit_matrix(items: npt.NDArray[np.int32], relevant: sp.csr_matrix) -> Bools:
    """Which places of which list hold a relevant item.

    Args:
        items: shape (n_users, k), item_idx, best first, distinct in each row; −1 pads and is never a hit.
        relevant: CSR of shape (n_users, n_items); the stored entries of row i are relevant to list i.

    Returns:
        bool of shape (n_users, k).

    Raises:
        ValueError: the shapes do not fit each other, or an item is not of the catalogue.

    Examples:
        >>> relevant = sp.csr_matrix(np.array([[0, 1, 1], [1, 0, 0]]))
        >>> hit_matrix(np.array([[1, 0], [2, -1]], dtype=np.int32), relevant).tolist()
        [[True, False], [False, False]]
    """
    n_users, n_items = relevant.shape
    if items.ndim != 2 or len(items) != n_users:
        raise ValueError(f"lists of shape {items.shape} for {n_users} rows of relevant items")
    if items.size and (int(items.min()) < -1 or int(items.max()) >= n_items):
        raise ValueError(f"items {items.min()}..{items.max()} in a catalogue of {n_items}")
    sorted_rows = relevant.tocsr().sorted_indices()
    # One key for each (row, item): membership of all pairs is then one binary search, without a loop over listeners.
    rows = np.repeat(np.arange(n_users, dtype=np.int64), np.diff(sorted_rows.indptr))
    keys = rows * n_items + sorted_rows.indices
    if not len(keys):
        return np.zeros(items.shape, dtype=np.bool_)
    wanted = np.arange(n_users, dtype=np.int64)[:, None] * n_items + items
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    hits: Bools = (keys[at] == wanted) & (items >= 0)
    return hits


def listener_metrics(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> dict[str, Floats]:
    """All metrics of every listener, at k, the length of the lists.

    Args:
        hits: shape (n_users, k).
        n_relevant: shape (n_users,), relevant items, whether a list can hold them or not.

    Returns:
        For each name of METRICS, shape (n_users,); NaN where n_relevant is 0.
    """
    return {
        "ndcg": ndcg(hits, n_relevant),
        "recall": recall(hits, n_relevant),
        "precision": precision(hits, n_relevant),
        "average_precision": average_precision(hits, n_relevant),
        "reciprocal_rank": reciprocal_rank(hits, n_relevant),
        "hit": hit(hits, n_relevant),
    }


def ndcg(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Normalised discounted cumulative gain (Järvelin & Kekäläinen, TOIS 2002), binary gains.

    Σ hit_i / log2(i + 1), over the same sum for min(k, n_relevant) hits at the head: the ideal list is as short as k,
    so a perfect list scores 1 however many relevant items there are.

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
    return _divide(np.where(hits, discounts, 0.0).sum(axis=1), ideal)


def recall(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Share of the relevant items that the list holds: hits / n_relevant.

    Examples:
        >>> recall(np.array([[True, False, True]]), np.array([8], dtype=np.int32)).tolist()
        [0.25]
    """
    return _divide(hits.sum(axis=1), n_relevant)


def precision(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Share of the list's k places that hold a relevant item: hits / k, also where the list is padded.

    Examples:
        >>> precision(np.array([[True, False, True, False]]), np.array([8], dtype=np.int32)).tolist()
        [0.5]
    """
    return _defined(hits.mean(axis=1, dtype=np.float64), n_relevant)


def average_precision(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Σ over hits of the precision at the hit, over min(k, n_relevant).

    trec_eval's map_cut and ranx divide by n_relevant, so that a perfect list of k scores less than 1 when there are
    more than k relevant items. Here a perfect list scores 1, as for NDCG; the two agree where n_relevant ≤ k.

    Examples:
        Hits at ranks 1 and 4 of 2 relevant items: (1/1 + 2/4) / 2.

        >>> average_precision(np.array([[True, False, False, True]]), np.array([2], dtype=np.int32)).tolist()
        [0.75]
    """
    k = hits.shape[1]
    at_hit = np.where(hits, np.cumsum(hits, axis=1) / np.arange(1, k + 1), 0.0)
    return _divide(at_hit.sum(axis=1), np.minimum(n_relevant, k))


def reciprocal_rank(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """1 / rank of the first hit within k, 0 without one.

    Examples:
        >>> reciprocal_rank(np.array([[False, True, True, False]]), np.array([2], dtype=np.int32)).tolist()
        [0.5]
    """
    first = np.where(hits.any(axis=1), 1.0 / (hits.argmax(axis=1) + 1), 0.0)
    return _defined(first, n_relevant)


def hit(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """1 where the list holds at least one relevant item, else 0."""
    return _defined(hits.any(axis=1).astype(np.float64), n_relevant)


def average(values: Mapping[str, Floats], k: int, *, among: Bools | None = None) -> dict[str, float]:
    """Means over listeners with a defined value, named as people read them: `ndcg_at_10`, `map_at_10`, ….

    Args:
        values: columns of `listener_metrics`.
        k: length of the lists, for the names.
        among: shape (n_users,), the listeners to average over; all by default.

    Returns:
        NaN where no listener has a value.
    """
    means = {}
    for column, name in MEAN_NAMES.items():
        chosen = values[column] if among is None else values[column][among]
        defined = chosen[~np.isnan(chosen)]
        means[f"{name}_at_{k}"] = float(defined.mean()) if len(defined) else float("nan")
    return means


def _divide(above: npt.NDArray[np.number], below: npt.NDArray[np.number]) -> Floats:
    out = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


def _defined(values: npt.ArrayLike, n_relevant: npt.NDArray[np.int32]) -> Floats:
    return np.where(n_relevant > 0, values, np.nan)
