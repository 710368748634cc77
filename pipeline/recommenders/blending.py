"""The weighted sum of several models' candidates, and the weights that rank best."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.ranking import top_k
from pipeline.metrics.topk import TopK
from pipeline.recommenders.scoring import block_rows

PARTS = 10
"""Weights are multiples of 1 / PARTS."""

Weights = npt.NDArray[np.float64]
"""Shape (n_members,), ≥ 0, of sum 1."""


def normalised(lists: TopK) -> npt.NDArray[np.float32]:
    """Rescale each list's scores from 0, its last candidate, to 1, its first: models score on different scales.

    (s − min) / (max − min), as in the fusion of search results (Lee, SIGIR 1997); 1 if all scores are equal.

    Returns:
        float32 of the lists' shape, in [0, 1]; 0 for padding.

    Examples:
        >>> lists = TopK(np.array([[7, 3, 5]], dtype=np.int32), np.array([[9.0, 5.0, 1.0]], dtype=np.float32))
        >>> normalised(lists).tolist()
        [[1.0, 0.5, 0.0]]
    """
    there = lists.items >= 0
    last = np.maximum(there.sum(axis=1) - 1, 0)
    low, high = lists.scores[np.arange(len(last)), last][:, None], lists.scores[:, :1]
    values = np.ones_like(lists.scores)
    np.divide(lists.scores - low, high - low, out=values, where=there & (high > low))
    return np.where(there, values, np.float32(0))


def blend(members: Sequence[TopK], weights: Sequence[float], *, n_items: int, k: int) -> TopK:
    """Return the k best of all members' candidates by Σ weight · normalised score (CombSUM: Fox & Shaw, TREC 1993).

    A member that does not list an item adds 0 to its score. Ties go to the lower item_idx.

    Args:
        members: lists of the same listeners, of any length.
        weights: one a member, > 0.

    Examples:
        Item 2 is second in both lists and comes out first: 0.5 · 0.5 + 0.5 · 0.75 = 0.625.

        >>> first = TopK(np.array([[0, 2, 1]], dtype=np.int32), np.array([[2.0, 1.0, 0.0]], dtype=np.float32))
        >>> second = TopK(np.array([[3, 2, 4]], dtype=np.int32), np.array([[4.0, 3.0, 0.0]], dtype=np.float32))
        >>> blended = blend([first, second], [0.5, 0.5], n_items=5, k=3)
        >>> blended.items.tolist(), blended.scores.tolist()
        ([[2, 0, 3]], [[0.625, 0.5, 0.5]])
    """
    values = [np.float32(weight) * normalised(lists) for lists, weight in zip(members, weights, strict=True)]
    n_users = len(members[0].items)
    parts = [TopK(np.empty((0, k), dtype=np.int32), np.empty((0, k), dtype=np.float32))]
    size = block_rows(n_items)
    for start in range(0, n_users, size):
        block = slice(start, min(start + size, n_users))
        scores = np.full((block.stop - start, n_items), -np.inf, dtype=np.float32)
        for lists, value in zip(members, values, strict=True):
            rows, places = np.nonzero(lists.items[block] >= 0)
            columns = lists.items[block][rows, places]
            scores[rows, columns] = np.maximum(scores[rows, columns], 0) + value[block][rows, places]
        parts.append(top_k(scores, k=k))
    return TopK(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))


def best_weights(
    members: Sequence[TopK], relevant: sp.csr_matrix, n_relevant: npt.NDArray[np.int32], *, k: int
) -> Weights:
    """Return the weights, in tenths, of the highest mean NDCG@k; of equal ones, those of the fewest members.

    NDCG is piecewise constant, so it has no gradient to follow (Metzler & Croft, Information Retrieval 2007, search by
    coordinates instead). A blend has few members, so all weights of a lattice are tried: 66 for three members.
    If no weights rank a relevant item, nothing tells members apart and all have the same weight.

    Args:
        members: lists of the same listeners.
        relevant: CSR of shape (n_users, n_items), the items that a listener's list should hold.
        n_relevant: int32 of shape (n_users,), at least 1.

    Examples:
        The second member alone lists what was played.

        >>> wrong = TopK(np.array([[0, 1]], dtype=np.int32), np.array([[2.0, 1.0]], dtype=np.float32))
        >>> right = TopK(np.array([[2, 3]], dtype=np.int32), np.array([[2.0, 1.0]], dtype=np.float32))
        >>> relevant = sp.csr_matrix(np.array([[0, 0, 1, 0]]))
        >>> best_weights([wrong, right], relevant, np.array([1], dtype=np.int32), k=1).tolist()
        [0.0, 1.0]
    """
    values, listed, hits = _pool(members, relevant)
    best, best_mean = np.full(len(members), 1 / len(members)), 0.0
    for parts in _lattice(len(members)):
        weights = np.array(parts) / PARTS
        scores = np.full(hits.shape, -np.inf, dtype=np.float32)
        for value, there, weight in zip(values, listed, weights, strict=True):
            if weight > 0:
                np.maximum(scores, 0, out=scores, where=there)
                scores += np.float32(weight) * value
        places = top_k(scores, k=k).items
        found = np.take_along_axis(hits, np.maximum(places, 0), axis=1) & (places >= 0)
        mean = float(ndcg(found, n_relevant).mean())
        if mean > best_mean:
            best, best_mean = weights, mean
    return best


def _lattice(n_members: int) -> list[tuple[int, ...]]:
    """Return all ways to divide PARTS among members, those with few members and even parts first."""
    points = [parts for parts in product(range(PARTS, -1, -1), repeat=n_members) if sum(parts) == PARTS]
    return sorted(points, key=lambda parts: (sum(part > 0 for part in parts), sum(part**2 for part in parts)))


def _pool(
    members: Sequence[TopK], relevant: sp.csr_matrix
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Return all candidates of each listener side by side, by ascending item_idx.

    Returns:
        Normalised scores and whether a member lists the candidate, both of shape (n_members, n_users, width); whether
        it is relevant, of shape (n_users, width).
    """
    n_users, n_items = relevant.shape
    found = [np.nonzero(lists.items >= 0) for lists in members]
    keys = [rows * n_items + lists.items[rows, places] for lists, (rows, places) in zip(members, found, strict=True)]
    pairs, at = np.unique(np.concatenate(keys), return_inverse=True)
    rows = pairs // max(n_items, 1)
    starts = np.searchsorted(rows, np.arange(n_users + 1))
    columns = np.arange(len(pairs)) - starts[rows]
    shape = (n_users, max(int(np.diff(starts).max(initial=0)), 1))
    values, listed = np.zeros((len(members), *shape), np.float32), np.zeros((len(members), *shape), np.bool_)
    hits = np.zeros(shape, np.bool_)
    ends = np.cumsum([len(key) for key in keys])
    for member, (lists, cells) in enumerate(zip(members, found, strict=True)):
        own = at[ends[member] - len(keys[member]) : ends[member]]
        values[member, rows[own], columns[own]] = normalised(lists)[cells]
        listed[member, rows[own], columns[own]] = True
        hits[rows[own], columns[own]] = hit_matrix(lists.items, relevant)[cells]
    return values, listed, hits
