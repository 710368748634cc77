"""Reasons of listed items: the listener's own item that is nearest to each."""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

OWN = "one of your own"
"""Reason of an item that the listener has played. The others are declared by the families (`Reason`)."""

CELLS = 8_000_000
"""Similarities in memory at once [float32 cells]: 32 MB, whatever the size of the catalogue."""


def unit_columns(weights: sp.csr_matrix) -> sp.csc_matrix:
    """Return the listeners of each item as unit columns, so that `unit.T @ unit` is the cosine between items.

    Binary, not weighted by plays: two artists are near if the same people play them.

    Args:
        weights: CSR of shape (n_listeners, n_items).

    Returns:
        CSC float32 of the same shape; columns of norm 1, or empty.
    """
    heard = sp.csc_matrix(weights, dtype=np.float32, copy=True)
    n_listeners = np.diff(heard.indptr)
    heard.data = np.repeat(1 / np.sqrt(np.maximum(n_listeners, 1)), n_listeners).astype(np.float32)
    return heard


def favourites(weights: sp.csr_matrix, *, n: int) -> sp.csr_matrix:
    """Return the n heaviest entries of each row (ties: the lower column), columns sorted.

    A reason should name something that its reader recognises, not an item played once a year ago.
    """
    rows = np.repeat(np.arange(weights.shape[0]), np.diff(weights.indptr))
    order = np.lexsort((weights.indices, -weights.data, rows))
    position = np.arange(len(order)) - weights.indptr[:-1][rows[order]]
    keep = np.sort(order[position < n])
    kept = sp.csr_matrix((weights.data[keep], (rows[keep], weights.indices[keep])), shape=weights.shape)
    kept.sort_indices()
    return kept


def nearest_own(items: npt.NDArray[np.int32], own: sp.csr_matrix, unit: sp.csc_matrix) -> npt.NDArray[np.int32]:
    """Return, for each listed item, the listener's own item with the greatest cosine.

    Args:
        items: int32 of shape (n_users, k), padded with −1.
        own: CSR of shape (n_users, n_items), the items of each listener that a reason may name.
        unit: `unit_columns` of shape (n_listeners, n_items).

    Returns:
        int32 of shape (n_users, k): item_idx, never the item itself; ties go to the lower; −1 if no item that the
        listener plays shares a listener with it.
    """
    nearest = np.full(items.shape, -1, dtype=np.int32)
    n_own = np.diff(own.indptr)
    users, places = np.nonzero((items >= 0) & (n_own > 0)[:, None])
    order = np.argsort(items[users, places], kind="stable")
    users, places = users[order], places[order]
    listed = items[users, places]
    step = max(1, CELLS // max(1, unit.shape[1]))
    distinct = np.unique(listed)
    for start in range(0, len(distinct), step):
        chunk = distinct[start : start + step]
        similar = (unit[:, chunk].T @ unit).toarray()
        similar[np.arange(len(chunk)), chunk] = 0
        low, high = np.searchsorted(listed, [chunk[0], chunk[-1] + 1])
        # Pairs are split so that pairs × own items stay within the bound, too.
        pair_step = max(1, CELLS // max(1, int(n_own.max())))
        for first in range(int(low), int(high), pair_step):
            pairs = slice(first, min(first + pair_step, int(high)))
            rows = np.searchsorted(chunk, listed[pairs])
            nearest[users[pairs], places[pairs]] = _best_own(similar, rows, users[pairs], own)
    return nearest


def _best_own(
    similar: npt.NDArray[np.float32], rows: npt.NDArray[np.intp], users: npt.NDArray[np.intp], own: sp.csr_matrix
) -> npt.NDArray[np.int32]:
    """Return argmax of similar[rows[p], j] over the own items j of users[p]; −1 if the maximum is 0."""
    lengths = np.diff(own.indptr)[users]
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    within = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    own_items = own.indices[np.repeat(own.indptr[users], lengths) + within]
    values = similar[np.repeat(rows, lengths), own_items]
    best = np.maximum.reduceat(values, starts)
    is_best = values == np.repeat(best, lengths)
    first = np.minimum.reduceat(np.where(is_best, own_items, np.iinfo(np.int32).max), starts)
    return np.where(best > 0, first, -1).astype(np.int32)


def because(name: str) -> str:
    """Return the reason that names one of the listener's own items."""
    return f"because you play {name}"
