"""Lists over the window's items from a model with its own id maps; short lists are filled with popular items."""

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
    """The window's rows in a model's id maps and back; −1 for ids that the other side lacks.

    The served model may be older than the window: listeners and items have joined and left since.

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
    """The items that short lists are filled with.

    Attributes:
        order: int32, every item of the window, the most popular first.
        share: float32 by item_idx, popularity relative to the first item's, in [0, 1].
    """

    order: Rows
    share: npt.NDArray[np.float32]


def rows_of(ids: pa.ChunkedArray, among: pa.ChunkedArray) -> Rows:
    """Return the row of each id in `among`, −1 for ids that are not in it."""
    found = pc.fill_null(pc.index_in(ids, value_set=pa.array(among.to_pylist(), pa.string())), -1)
    rows: Rows = found.to_numpy().astype(np.int32)
    return rows


def popularity(top: TopK, window_item: Rows, n_listeners: npt.NDArray[np.int32]) -> Popularity:
    """Rank every item of the window: the popular model's in its order, then the others by listeners, then by row.

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
    """Return the model's lists in the window's rows; empty for listeners unknown to the model.

    Args:
        ask: the model's `recommend`.
        mapped: the id maps of both sides.
        listeners: int32 of shape (n_users,), rows of the window.
        heard: CSR of shape (n_users, window items), items to leave out. Items that left the window are always left out.
        k: length of the lists.
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
    """Fill short lists with popular items that are neither heard nor in the list.

    Scores of model and popularity have no common scale, but must not rise within a list. So the score of a filled item
    continues from the model's last score s, scaled by its share p of the top item's popularity: s·p if s > 0, else
    s − (1 − p)·max(|s|, 1). In a list without any of the model's items it is p.

    Args:
        top: lists of shape (n_users, k).
        heard: CSR of shape (n_users, n_items).
        popular: what to fill with.

    Returns:
        Lists of the same shape; −1/NaN remain only if the catalogue is exhausted.
    """
    items, scores = top.items.copy(), top.scores.copy()
    k = items.shape[1]
    for user in np.flatnonzero((items < 0).any(axis=1)):
        n = int((items[user] >= 0).sum())
        own = heard.indices[heard.indptr[user] : heard.indptr[user + 1]] if heard is not None else items[user, :0]
        excluded = np.concatenate([own, items[user, :n]])
        # The first k items that are not excluded are among the first k + len(excluded).
        candidates = popular.order[: k + len(excluded)]
        chosen = candidates[~np.isin(candidates, excluded)][: k - n]
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
