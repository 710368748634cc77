"""One list of favourites and discoveries, and the share of each."""

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.topk import TopK
from pipeline.recommenders.blending import PARTS, plausibility

Counts = npt.NDArray[np.int32]


def interleave(favourites: TopK, discoveries: TopK, *, share: float, k: int) -> TopK:
    """Return lists in which favourites have a share of every beginning, as nearly as whole places allow.

    The i-th favourite competes for a place with (i − ½) / share, the j-th discovery with (j − ½) / (1 − share): the
    divisor method of Webster and Sainte-Laguë. Favourites go first among equals. If one side is short, the other fills
    the list. Scores are 1 / place, since those of the two sides have nothing in common.

    Args:
        favourites, discoveries: lists of the same listeners, without an item in common.
        share: of favourites, in [0, 1].
        k: length of the lists.

    Examples:
        >>> own = TopK(np.array([[0, 1, 2, 3]], dtype=np.int32), np.ones((1, 4), dtype=np.float32))
        >>> new = TopK(np.array([[7, 8, -1, -1]], dtype=np.int32), np.ones((1, 4), dtype=np.float32))
        >>> interleave(own, new, share=0.5, k=5).items.tolist()
        [[0, 7, 1, 8, 2]]
        >>> interleave(own, new, share=0.25, k=5).items.tolist()
        [[7, 0, 8, 1, 2]]
    """
    items = np.concatenate([favourites.items, discoveries.items], axis=1)
    with np.errstate(divide="ignore"):
        own = (np.arange(favourites.items.shape[1]) + 0.5) / np.float64(share)
        new = (np.arange(discoveries.items.shape[1]) + 0.5) / np.float64(1 - share)
    turns = np.where(items >= 0, np.concatenate([own, new]), np.nan)  # what is not there comes last
    chosen = np.argsort(turns, axis=1, kind="stable")[:, :k]
    listed = np.full((len(items), k), -1, dtype=np.int32)
    listed[:, : chosen.shape[1]] = np.take_along_axis(items, chosen, axis=1)
    scores = np.where(listed >= 0, 1 / np.arange(1, k + 1), np.nan).astype(np.float32)
    return TopK(listed, scores)


def only(lists: TopK, among: sp.csr_matrix) -> TopK:
    """Return lists without the items that have no stored entry in their row of `among`; the rest moves up."""
    there = hit_matrix(lists.items, among)
    order = np.argsort(~there, axis=1, kind="stable")
    kept = np.take_along_axis(there, order, axis=1)
    items, scores = (np.take_along_axis(each, order, axis=1) for each in (lists.items, lists.scores))
    return TopK(np.where(kept, items, np.int32(-1)), np.where(kept, scores, np.float32(np.nan)))


def best_share(
    favourites: TopK,
    discoveries: TopK,
    *,
    known: sp.csr_matrix,
    new: sp.csr_matrix,
    n_known: Counts,
    n_new: Counts,
    worth_of_new: float,
    k: int,
) -> float:
    """Return the share of favourites that serves both wishes best, in tenths, shrunk towards one half.

    What is maximised is (1 − worth_of_new) · known + worth_of_new · new, averaged over listeners. `known` is the NDCG@k
    of the known relevant items, divided by its mean for a list of favourites alone; `new` that of the new ones, divided
    by its mean for a list of discoveries alone. Undivided, they would nearly always choose favourites alone: people
    repeat far more than they discover, and what they repeat is far easier to hit. Shares are averaged by their
    `blending.plausibility`: what cannot be told stays near one half.

    Args:
        favourites, discoveries: lists of the same listeners.
        known, new: CSR of shape (n_users, n_items), relevant items that a listener had heard before, and had not.
        n_known, n_new: int32 of shape (n_users,), their numbers, those that no list can hold included.
        worth_of_new: in [0, 1].
        k: length of the lists.
    """
    shares = np.arange(PARTS + 1) / PARTS
    lists = [interleave(favourites, discoveries, share=float(share), k=k).items for share in shares]
    values = np.zeros((len(shares), len(favourites.items)))
    for wanted, n, alone, worth in ((known, n_known, -1, 1 - worth_of_new), (new, n_new, 0, worth_of_new)):
        hit = np.nan_to_num(np.stack([ndcg(hit_matrix(items, wanted), n) for items in lists]))
        most = hit[alone].mean() if hit.size else 0.0
        values += worth * hit / most if most > 0 else 0
    return float(round(float(plausibility(values) @ shares) * PARTS)) / PARTS
