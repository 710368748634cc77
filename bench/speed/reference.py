"""Compares lists with a naive float64 reference; values that single precision cannot distinguish are ties."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

UNIT_ROUNDOFF = 2.0**-24
BLOCK = 1024


@dataclass(frozen=True)
class Agreement:
    """The agreement of lists with the reference.

    Attributes:
        n: entries compared.
        other_ids: entries whose item is another than the reference's.
        ties: of those, entries whose exact scores are too near for float32 to order.
        wrong: entries that are no ties, or are not allowed: heard, twice on a list, padding.
        widest: the largest difference of exact scores at a tie, relative to the bound.
    """

    n: int
    other_ids: int
    ties: int
    wrong: int
    widest: float


def agreement(
    found: npt.NDArray[np.int32],
    listeners: npt.NDArray[np.float32],
    items: npt.NDArray[np.float32],
    heard: sp.csr_matrix,
    *,
    k: int,
) -> Agreement:
    """Compare lists of shape (n_listeners, k) with the k highest float64 products of items that were not heard.

    A float32 product of f terms, summed in any order, is within γ ‖u‖ ‖v‖ of the exact one, γ = f ε / (1 − f ε) with
    ε = 2⁻²⁴ (Higham 2002, §3.1, and Cauchy–Schwarz). So the r-th highest float32 score is within 2 γ ‖u‖ max ‖v‖ of
    the r-th highest exact one: an entry whose exact score is as near as that is a tie, any other is wrong.
    """
    exact, f = items.astype(np.float64), items.shape[1]
    gamma = f * UNIT_ROUNDOFF / (1 - f * UNIT_ROUNDOFF)
    reach = 2 * gamma * np.linalg.norm(exact, axis=1).max()
    other = ties = wrong = 0
    widest = 0.0
    for start in range(0, len(listeners), BLOCK):
        block = slice(start, start + BLOCK)
        vectors, listed = listeners[block].astype(np.float64), found[block]
        scores = vectors @ exact.T
        rows = np.repeat(np.arange(len(scores)), np.diff(heard.indptr[start : start + len(scores) + 1]))
        scores[rows, heard[block].indices] = -np.inf
        best = _best(scores, k)
        bound = (reach * np.linalg.norm(vectors, axis=1))[:, None]
        differ = listed != best
        apart = np.abs(np.take_along_axis(scores, listed, 1) - np.take_along_axis(scores, best, 1))
        ordered = np.sort(listed, axis=1)
        refused = (listed < 0) | ~np.isfinite(np.take_along_axis(scores, listed, 1))
        refused[:, 1:] |= ordered[:, 1:] == ordered[:, :-1]
        tie = differ & ~refused & (apart <= bound) & (bound > 0)
        other += int(differ.sum())
        ties += int(tie.sum())
        wrong += int(((differ & ~tie) | refused).sum())
        widest = max(widest, float(np.max(apart[tie] / np.broadcast_to(bound, tie.shape)[tie], initial=0)))
    return Agreement(found.size, other, ties, wrong, widest)


def _best(scores: npt.NDArray[np.float64], k: int) -> npt.NDArray[np.int64]:
    """Return the k highest values of each row, best first, ties by the lower index."""
    candidates = np.argpartition(-scores, k, axis=1)[:, : k + 1]
    candidates.sort(axis=1)
    order = np.argsort(-np.take_along_axis(scores, candidates, 1), axis=1, kind="stable")[:, :k]
    return np.take_along_axis(candidates, order, 1)
