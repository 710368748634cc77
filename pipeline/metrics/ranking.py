"""Selection of the k highest scores, with a deterministic order of ties."""

import numpy as np
import numpy.typing as npt

from pipeline.metrics.topk import TopK


def top_k(scores: npt.NDArray[np.float32], *, k: int) -> TopK:
    """Return the k highest scores of each row, in descending order; ties go to the lower column.

    Args:
        scores: float32 of shape (n_rows, n_items); −inf marks an item that must not be listed.
        k: length of each list, ≥ 1; may exceed n_items.

    Returns:
        TopK of shape (n_rows, k).

    Examples:
        >>> scores = np.array([[0.5, 0.9, 0.5, -np.inf]], dtype=np.float32)
        >>> top_k(scores, k=2).items.tolist()
        [[1, 0]]
        >>> top_k(scores, k=4).items.tolist()  # the excluded item is not listed; -1 pads
        [[1, 0, 2, -1]]
    """
    n_rows, n_items = scores.shape
    listed = scores > -np.inf
    if k < n_items:
        # Keep everything down to the k-th best score, ties included: the sort below decides between ties.
        kth = np.partition(scores, n_items - k, axis=1)[:, n_items - k]
        listed &= scores >= kth[:, None]
    rows, columns = np.nonzero(listed)
    order = np.lexsort((columns, -scores[rows, columns], rows))
    rows, columns = rows[order], columns[order]
    starts = np.searchsorted(rows, np.arange(n_rows))
    rank = np.arange(rows.size) - starts[rows]
    kept = rank < k
    rows, columns, rank = rows[kept], columns[kept], rank[kept]

    items = np.full((n_rows, k), -1, dtype=np.int32)
    best = np.full((n_rows, k), np.nan, dtype=np.float32)
    items[rows, rank] = columns
    best[rows, rank] = scores[rows, columns]
    return TopK(items, best)
