"""The lists that were scored, stored so that the next night can measure how much of them it replaces (churn)."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.features.lists import rows_of
from pipeline.metrics.beyond_accuracy import churn
from pipeline.metrics.lists import lists_at


def recommendations(
    items: npt.NDArray[np.int32],
    item_ids: pa.ChunkedArray,
    listener_ids: pa.ChunkedArray,
    *,
    eligible: pa.ChunkedArray,
) -> pa.Table:
    """Return RECOMMENDATIONS: the lists of some listeners, empty for those without one.

    Args:
        items: shape (n_listeners, k), rows of `item_ids`, padded with −1 at the end.
        item_ids: ids of the items.
        listener_ids: ids of the rows of `items`.
        eligible: the listeners to return, in order.
    """
    wanted = lists_at(items, rows_of(eligible, listener_ids))
    ends = np.concatenate([[0], np.cumsum((wanted >= 0).sum(axis=1))]).astype(np.int32)
    ids = item_ids.combine_chunks().take(pa.array(wanted[wanted >= 0]))
    return pa.table({"listener_id": eligible, "item_ids": pa.ListArray.from_arrays(ends, ids)})


def churn_between(before: pa.Table, after: pa.Table) -> float:
    """Return `churn` over the listeners in both tables of RECOMMENDATIONS."""
    rows = rows_of(after["listener_id"], before["listener_id"])
    both = rows >= 0
    lists = [before["item_ids"].take(pa.array(rows[both])), after["item_ids"].filter(pa.array(both))]
    items = pa.chunked_array([pc.list_flatten(each).combine_chunks() for each in lists], pa.string()).unique()
    return churn(*(_padded(each, pa.chunked_array([items], pa.string())) for each in lists))


def _padded(lists: pa.ChunkedArray, items: pa.ChunkedArray) -> npt.NDArray[np.int32]:
    lengths = pc.list_value_length(lists).to_numpy()
    found = np.full((len(lengths), max(lengths, default=0)), -1, dtype=np.int32)
    found[np.arange(found.shape[1]) < lengths[:, None]] = rows_of(pc.list_flatten(lists), items)
    return found
