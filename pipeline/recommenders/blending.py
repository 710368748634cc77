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
FOLDS = 10
"""Parts of the listeners, each of which judges what the others choose."""

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
    """Return `best_weights`, shrunk towards equal weights by how little the listeners can tell, in tenths.

    Few listeners choose by chance: on another week the same members would get other weights. What the choice is worth
    is found by cross-validation: weights are chosen on nine tenths of the listeners and compared with equal ones on the
    last tenth. If the mean gain is Δ with a standard error s, the weights are equal + λ · (best − equal), with the
    positive-part James-Stein factor λ = max(0, 1 − s² / Δ²) (Efron & Morris, JASA 1973), and 0 if Δ ≤ 0. That the plain
    mean is hard to beat by estimated weights is the rule among combined forecasts (Timmermann 2006).

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
    equal = np.full(len(members), 1 / len(members))
    values = np.stack([*_values(members, relevant, n_relevant, [*(np.array(p) / PARTS for p in points), equal], k=k)])
    gains = cross_validated_gains(values[:-1], values[-1])
    shift = shrinkage(gains) * (_best(points, values[:-1].mean(axis=1)) - equal)
    return in_tenths(equal + shift) if shift.any() else equal


def cross_validated_gains(values: npt.NDArray[np.floating], equal: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return what each listener gains by the point that is best for the listeners of other folds.

    Args:
        values: of shape (n_points, n_listeners), a metric by point.
        equal: of shape (n_listeners,), that of equal weights.

    Returns:
        float64 of shape (n_listeners,); 0 if there are fewer than two listeners.
    """
    n = values.shape[1]
    gains = np.zeros(n)
    for fold in range(min(FOLDS, n) if n > 1 else 0):
        out = np.arange(n) % FOLDS == fold
        chosen = int(np.argmax(values[:, ~out].mean(axis=1)))
        gains[out] = values[chosen, out].astype(np.float64) - equal[out]
    return gains


def shrinkage(gains: npt.NDArray[np.float64]) -> float:
    """Return λ = max(0, 1 − s² / Δ²) of the mean gain Δ and its standard error s; 0 if Δ ≤ 0.

    Examples:
        >>> shrinkage(np.array([0.1, 0.3])), shrinkage(np.array([0.1, -0.3])), shrinkage(np.array([0.2, 0.2]))
        (0.75, 0.0, 1.0)
    """
    n, mean = len(gains), float(gains.mean()) if len(gains) else 0.0
    if n < 2 or mean <= 0:
        return 0.0
    return max(0.0, 1 - round(float(gains.var(ddof=1)) / n / mean**2, 12))


def in_tenths(weights: Weights) -> Weights:
    """Round weights to multiples of 1 / PARTS of sum 1: the largest remainders are rounded up, the first among equals.

    Examples:
        >>> in_tenths(np.array([0.36, 0.36, 0.28])).tolist()
        [0.4, 0.3, 0.3]
    """
    parts = np.floor(weights * PARTS + 1e-9)
    left = round(PARTS - parts.sum())
    parts[np.argsort(parts - weights * PARTS, kind="stable")[:left]] += 1
    rounded: Weights = parts / PARTS
    return rounded


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
