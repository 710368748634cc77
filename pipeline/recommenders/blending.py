"""The weighted sum of several models' candidates, and the weights that rank best."""

from collections.abc import Iterator, Sequence
from itertools import product

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.ranking import top_k
from pipeline.metrics.topk import TopK
from pipeline.recommenders.scoring import best_mixture

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
    return best_mixture(members, weights, n_items=n_items, k=k)


def learnt_weights(
    members: Sequence[TopK], relevant: sp.csr_matrix, n_relevant: npt.NDArray[np.int32], *, k: int
) -> Weights:
    """Return weights that are shrunk from the best towards equal ones by how little the listeners can tell.

    Few listeners choose by chance: on another week the same members would get other weights. So the result is the mean
    of all weights of the lattice, each counting as `plausibility` says: one alone where the listeners are sure, equal
    weights where they cannot tell anything. That averages of combinations are hard to beat by a chosen one is the rule
    among forecasts (Timmermann 2006).

    Arguments are those of `best_weights`.

    Examples:
        Every listener finds the second member right. One alone could not be told from chance.

        >>> wrong = TopK(np.array([[0, 1]] * 2, dtype=np.int32), np.array([[2.0, 1.0]] * 2, dtype=np.float32))
        >>> right = TopK(np.array([[2, 3]] * 2, dtype=np.int32), np.array([[2.0, 1.0]] * 2, dtype=np.float32))
        >>> relevant, n_relevant = sp.csr_matrix(np.array([[0, 0, 1, 0]] * 2)), np.array([1, 1], dtype=np.int32)
        >>> learnt_weights([wrong, right], relevant, n_relevant, k=1).tolist()
        [0.0, 1.0]
        >>> one = [TopK(each.items[:1], each.scores[:1]) for each in (wrong, right)]
        >>> learnt_weights(one, relevant[:1], n_relevant[:1], k=1).tolist()
        [0.5, 0.5]
    """
    points = _lattice(len(members))
    given = [np.array(parts) / PARTS for parts in points]
    values = np.stack([*_values(members, relevant, n_relevant, given, k=k)])
    counts = plausibility(values)
    if np.ptp(counts) == 0:
        return np.full(len(members), 1 / len(members))
    return without_traces(counts @ np.stack(given))


def plausibility(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return how far each of some choices can be the best one: ∝ exp(−z² / 2), of sum 1.

    z is the mean difference from the choice of the highest mean, divided by its standard error, paired by listener: the
    likelihood of that difference if the two were equal. Of choices with the same values as the best, the first counts.

    Args:
        values: of shape (n_choices, n_listeners), a metric by choice.

    Returns:
        float64 of shape (n_choices,); equal if there are fewer than two listeners, or nothing but zeros.

    Examples:
        The second choice is sure to be worse than the first, the third one is not.

        >>> values = np.array([[0.5, 0.5, 0.4, 0.6], [0.1, 0.1, 0.0, 0.2], [0.6, 0.4, 0.3, 0.6]])
        >>> plausibility(values).round(2).tolist()
        [0.53, 0.0, 0.47]
    """
    n_choices, n = values.shape
    if n < 2 or values.max() <= 0:
        return np.full(n_choices, 1 / n_choices)
    best = int(np.argmax(values.mean(axis=1)))
    less = values[best] - values
    mean, se = less.mean(axis=1), less.std(axis=1, ddof=1) / np.sqrt(n)
    se[se < 1e-12] = 0  # rounding, where all listeners differ by the same
    z = np.divide(mean, se, out=np.where(mean > 0, np.inf, 0.0), where=se > 0)
    counts = np.exp(-(z**2) / 2)
    counts[~less.any(axis=1)] = 0
    counts[best] = 1
    found: npt.NDArray[np.float64] = counts / counts.sum()
    return found


def without_traces(weights: Weights) -> Weights:
    """Leave out members of less than half a part, 1 / (2 · PARTS): they would cost a fit and change no place.

    Examples:
        >>> without_traces(np.array([0.6, 0.36, 0.04])).tolist()
        [0.625, 0.375, 0.0]
    """
    kept = np.where(weights < 0.5 / PARTS, 0, weights)
    found: Weights = np.round(kept / kept.sum(), 6)
    return found


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
    points = _lattice(len(members))
    given = [np.array(parts) / PARTS for parts in points]
    means = [float(value.mean()) for value in _values(members, relevant, n_relevant, given, k=k)]
    return _best(points, np.array(means))


def _best(points: Sequence[tuple[int, ...]], means: npt.NDArray[np.floating]) -> Weights:
    """Return the weights of the first point of the highest mean; equal ones if no mean is above 0."""
    n_members = len(points[0])
    found: Weights = np.array(points[int(np.argmax(means))]) / PARTS
    return found if means.max() > 0 else np.full(n_members, 1 / n_members)


def _values(
    members: Sequence[TopK],
    relevant: sp.csr_matrix,
    n_relevant: npt.NDArray[np.int32],
    mixtures: Sequence[Weights],
    *,
    k: int,
) -> Iterator[npt.NDArray[np.float64]]:
    """Yield each listener's NDCG@k for each of some weights: float64 of shape (n_users,)."""
    values, listed, hits = _pool(members, relevant)
    for weights in mixtures:
        scores = np.full(hits.shape, -np.inf, dtype=np.float32)
        for value, there, weight in zip(values, listed, weights, strict=True):
            if weight > 0:
                np.maximum(scores, 0, out=scores, where=there)
                scores += np.float32(weight) * value
        places = top_k(scores, k=k).items
        found = np.take_along_axis(hits, np.maximum(places, 0), axis=1) & (places >= 0)
        yield ndcg(found, n_relevant)


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
