"""Lists over the window's items: asked of a model with id maps of its own, short ones filled with popular items."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from pipeline.metrics.topk import TopK

Rows = npt.NDArray[np.int32]


class Ask(Protocol):
    """`recommend` of a fitted recommender (pipeline/recommenders/protocol.py)."""

    def __call__(self, user_idx: Rows, *, k: int, exclude: sp.csr_matrix | None = None) -> TopK: ...


@dataclass(frozen=True)
class Mapped:
    """Where the window's rows lie in a model's own id maps; −1 where one does not know the other.

    The served model may be older than the window: listeners and items have come and gone since.

    Attributes:
        listener_row: int32 of shape (window listeners,), rows of the model.
        item_row: int32 of shape (window items,), rows of the model.
        window_item: int32 of shape (model items,), rows of the window.
    """

    listener_row: Rows
    item_row: Rows
    window_item: Rows


@dataclass(frozen=True)
class Popularity:
    """What lists are filled from.

    Attributes:
        order: int32, every item of the window, the most popular first.
        share: float32 by item_idx, its popularity relative to the first item's, in [0, 1].
    """

    order: Rows
    share: npt.NDArray[np.float32]


def rows_of(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> Rows:
    """The row of each id in `among`, −1 where it is not there."""
    found = pc.fill_null(pc.index_in(ids, value_set=pa.array(among.to_pylist(), pa.string())), -1)
    rows: Rows = found.to_numpy().astype(np.int32)
    return rows


def popularity(top: TopK, window_item: Rows, n_listeners: npt.NDArray[np.int32]) -> Popularity:
    """Every item of the window: the popular model's in its order, then the others by listeners, then by row.

    Args:
        top: one list (one row) of the popular model, as long as its catalogue; items in its own rows.
        window_item: int32, the model's items in the window's rows.
        n_listeners: int32, listeners of each item in the window.
    """
    n_items = len(n_listeners)
    listed = top.items[0] >= 0
    rows, scores = window_item[top.items[0][listed]], top.scores[0][listed]
    rows, scores = rows[rows >= 0], scores[rows >= 0]
    place, share = np.full(n_items, n_items), np.zeros(n_items, dtype=np.float32)
    place[rows] = np.arange(len(rows))
    best = scores.max(initial=0)
    share[rows] = scores / best if best > 0 else 0
    return Popularity(np.lexsort((np.arange(n_items), -n_listeners, place)).astype(np.int32), share)


def model_lists(ask: Ask, mapped: Mapped, listeners: Rows, heard: sp.csr_matrix | None, *, k: int) -> TopK:
    """The model's lists in the window's rows; empty for listeners that it does not know.

    Args:
        listeners: int32 of shape (n_users,), rows of the window.
        heard: CSR of shape (n_users, window items), kept out of the lists. Items that have left the window always are.
    """
    items = np.full((len(listeners), k), -1, dtype=np.int32)
    scores = np.full((len(listeners), k), np.nan, dtype=np.float32)
    rows = mapped.listener_row[listeners]
    known = np.flatnonzero(rows >= 0)
    if len(known) and len(mapped.window_item):
        exclude = _exclude(mapped, None if heard is None else heard[known], n_rows=len(known))
        top = ask(rows[known], k=k, exclude=exclude)
        items[known] = np.where(top.items >= 0, mapped.window_item[top.items], -1)
        scores[known] = top.scores
    return TopK(items, scores)


def _exclude(mapped: Mapped, heard: sp.csr_matrix | None, *, n_rows: int) -> sp.csr_matrix | None:
    gone = np.flatnonzero(mapped.window_item < 0)
    if heard is None and not len(gone):
        return None
    rows, columns = np.repeat(np.arange(n_rows), len(gone)), np.tile(gone, n_rows)
    if heard is not None:
        heard_rows, heard_columns = np.repeat(np.arange(n_rows), np.diff(heard.indptr)), mapped.item_row[heard.indices]
        rows = np.concatenate([rows, heard_rows[heard_columns >= 0]])
        columns = np.concatenate([columns, heard_columns[heard_columns >= 0]])
    ones = np.ones(len(rows), dtype=np.float32)
    exclude = sp.csr_matrix((ones, (rows, columns)), shape=(n_rows, len(mapped.window_item)))
    exclude.sort_indices()
    return exclude


def fill(top: TopK, heard: sp.csr_matrix | None, popular: Popularity) -> TopK:
    """Short lists filled up with popular items, none heard or already there.

    Scores of the two have no common scale, but a list's must not rise. So a filled item goes on from the model's last
    score s, scaled by its share p of the top item's popularity: s·p where s > 0, else s − (1 − p)·max(|s|, 1). A list
    that holds none of the model's items has the shares themselves.

    Args:
        heard: CSR of shape (n_users, n_items).

    Returns:
        The same shape; −1/NaN remain only where the catalogue is exhausted.
    """
    items, scores = top.items.copy(), top.scores.copy()
    k = items.shape[1]
    for user in np.flatnonzero((items < 0).any(axis=1)):
        n = int((items[user] >= 0).sum())
        own = heard.indices[heard.indptr[user] : heard.indptr[user + 1]] if heard is not None else items[user, :0]
        taken = np.concatenate([own, items[user, :n]])
        # The first k candidates not taken lie among the first k + len(taken) of the order.
        candidates = popular.order[: k + len(taken)]
        chosen = candidates[~np.isin(candidates, taken)][: k - n]
        share, last = popular.share[chosen], scores[user, n - 1]
        if n == 0:
            continued = share
        elif last > 0:
            continued = last * share
        else:
            continued = last - (1 - share) * max(abs(last), 1)
        items[user, n : n + len(chosen)] = chosen
        scores[user, n : n + len(chosen)] = continued
    return TopK(items, scores)
