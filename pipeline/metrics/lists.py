"""Arrays of lists: selection by row, and the count of invalid lists."""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import hit_matrix


def lists_at(lists: npt.NDArray[np.int32], rows: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int32]:
    """Return the lists at some rows, int32 of shape (len(rows), k); row −1 gives a list of padding (−1).

    Args:
        lists: shape (n_lists, k), item_idx.
        rows: rows of `lists`, or −1.
    """
    without = np.full((1, lists.shape[1]), -1, dtype=np.int32)
    found: npt.NDArray[np.int32] = np.concatenate([lists, without])[rows]
    return found


def count_invalid(
    items: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], exclude: sp.csr_matrix | None, *, n_items: int
) -> int:
    """Return the number of invalid lists.

    A list is invalid if it has an item twice, an excluded item, an index outside the catalogue, a score that is not
    finite or higher than the one before it, or padding before its end.

    Args:
        items: shape (n_users, k), item_idx, padded with −1.
        scores: shape (n_users, k).
        exclude: CSR of shape (n_users, n_items).
        n_items: size of the catalogue.
    """
    used = items >= 0
    both = used[:, 1:] & used[:, :-1]
    ordered = np.sort(items, axis=1)
    bad = ((items < -1) | (items >= n_items) | (used & ~np.isfinite(scores))).any(axis=1)
    bad |= (~used[:, :-1] & used[:, 1:]).any(axis=1)
    bad |= ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    bad |= (both & (scores[:, 1:] > scores[:, :-1])).any(axis=1)
    if exclude is not None:
        inside = np.where((items >= 0) & (items < n_items), items, -1).astype(np.int32)
        bad |= hit_matrix(inside, exclude).any(axis=1)
    return int(bad.sum())
