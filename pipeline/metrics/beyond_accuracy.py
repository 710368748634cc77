"""What lists do to a catalogue: how much of it they show, how unexpected they are, how evenly they share attention.

All are functions of the lists of all listeners, or of the exposure counted from them.
"""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]


def exposure(items: npt.NDArray[np.int32], n_items: int) -> Counts:
    """How many lists hold each item.

    Args:
        items: shape (n_users, k), item_idx; what is no item of the catalogue (padding, a retired item) is not counted.
        n_items: size of the catalogue.

    Returns:
        int64 of shape (n_items,).
    """
    flat = items.ravel()
    return np.bincount(flat[(flat >= 0) & (flat < n_items)], minlength=n_items)


def catalogue_coverage(shown: Counts) -> float:
    """Share of the catalogue [0, 1] that is in at least one list; NaN for an empty catalogue."""
    return float(np.count_nonzero(shown) / len(shown)) if len(shown) else math.nan


def churn(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer]) -> float:
    """How much of their lists listeners see replaced: the mean share of a list that is not in the other one [0, 1].

    Args:
        before: shape (n_users, k), items by any numbering, −1 for padding; no item twice in a list.
        after: shape (n_users, k'), the same users and numbering.

    Returns:
        The mean over users of 1 − |A ∩ B| / max(|A|, |B|); who has neither list is left out, NaN where all are.
    """
    sizes = np.maximum((before >= 0).sum(axis=1), (after >= 0).sum(axis=1))
    # By columns of one list: no array is larger than the lists themselves.
    kept = sum(((after == before[:, [j]]) & (before[:, [j]] >= 0)).sum(axis=1) for j in range(before.shape[1]))
    some = sizes > 0
    return float((1 - (kept + np.zeros(len(sizes)))[some] / sizes[some]).mean()) if some.any() else math.nan


def novelty(shown: Counts, popularity: npt.NDArray[np.int32], n_listeners: int) -> float:
    """Mean self-information of a recommendation [bit], −log2 p(item) (Zhou et al., PNAS 2010).

    Args:
        shown: shape (n_items,), from `exposure`.
        popularity: shape (n_items,), training listeners of each item; p is its share of `n_listeners`.
        n_listeners: listeners in training.

    Returns:
        NaN where nothing was recommended. An item that nobody in training played counts as if one listener had.
    """
    total = int(shown.sum())
    if not total or n_listeners < 1:
        return math.nan
    bits = -np.log2(np.maximum(popularity, 1) / n_listeners)
    return float((bits * shown).sum() / total)


def gini(shown: Counts) -> float:
    """Gini index of exposure over the whole catalogue: 0 where every item is shown as often, 1 − 1/n where one item is
    all that is shown; NaN where nothing was recommended.

    Σ (2i − n − 1) x_i / (n Σ x), x ascending, i from 1.
    """
    n, total = len(shown), int(shown.sum())
    if not total:
        return math.nan
    weights = 2 * np.arange(1, n + 1) - n - 1
    return float((weights * np.sort(shown)).sum() / (n * total))


def top_share(shown: Counts, popularity: npt.NDArray[np.int32], *, share: float = 0.01) -> float:
    """Share of recommendations [0, 1] that go to the most popular items.

    Args:
        shown: shape (n_items,), from `exposure`.
        popularity: shape (n_items,), training listeners of each item; ties go to the lower item_idx.
        share: of the catalogue that counts as the top, at least one item.

    Returns:
        NaN where nothing was recommended.
    """
    total = int(shown.sum())
    if not total:
        return math.nan
    n_top = max(1, math.ceil(share * len(shown)))
    top = np.argsort(-popularity.astype(np.int64), kind="stable")[:n_top]
    return float(shown[top].sum() / total)
