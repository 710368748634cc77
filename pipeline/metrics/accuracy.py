"""Which recommendations were relevant, over the whole catalogue.

Sampled metrics rank models inconsistently (Krichene & Rendle, KDD 2020), so nothing here samples. Relevance is binary.
"""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

Bools = npt.NDArray[np.bool_]


def hit_matrix(items: npt.NDArray[np.int32], relevant: sp.csr_matrix) -> Bools:
    """Return which places of which list hold a relevant item.

    Args:
        items: shape (n_users, k), item_idx, best first, distinct in each row; −1 pads and is never a hit.
        relevant: CSR of shape (n_users, n_items); the stored entries of row i are relevant to list i.

    Returns:
        bool of shape (n_users, k).

    Raises:
        ValueError: the shapes do not fit each other, or an item is not in the catalogue.

    Examples:
        >>> relevant = sp.csr_matrix(np.array([[0, 1, 1], [1, 0, 0]]))
        >>> hit_matrix(np.array([[1, 0], [2, -1]], dtype=np.int32), relevant).tolist()
        [[True, False], [False, False]]
    """
    return relevant_entries(items, relevant) >= 0


def relevant_entries(items: npt.NDArray[np.int32], relevant: sp.csr_matrix) -> npt.NDArray[np.int64]:
    """Return, for each place of each list, which entry of `relevant` it holds; −1 if it holds no relevant item.

    Entries are numbered by row and, within a row, by item. Arguments and errors are those of `hit_matrix`.

    Returns:
        int64 of shape (n_users, k).

    Examples:
        >>> relevant = sp.csr_matrix(np.array([[0, 1, 1], [1, 0, 0]]))
        >>> relevant_entries(np.array([[2, 0], [0, -1]], dtype=np.int32), relevant).tolist()
        [[1, -1], [2, -1]]
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
        return np.full(items.shape, -1, dtype=np.int64)
    wanted = np.arange(n_users, dtype=np.int64)[:, None] * n_items + items
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    found: npt.NDArray[np.int64] = np.where((keys[at] == wanted) & (items >= 0), at, -1)
    return found
