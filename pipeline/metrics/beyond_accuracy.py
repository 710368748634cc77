"""How often lists show each item, and how much of them is replaced."""

import math

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]


def exposure(items: npt.NDArray[np.int32], n_items: int) -> Counts:
    """Return how many lists hold each item.

    Args:
        items: shape (n_users, k), item_idx; padding and items outside the catalogue are not counted.
        n_items: size of the catalogue.

    Returns:
        int64 of shape (n_items,).
    """
    flat = items.ravel()
    return np.bincount(flat[(flat >= 0) & (flat < n_items)], minlength=n_items)


def churn(before: npt.NDArray[np.integer], after: npt.NDArray[np.integer]) -> float:
    """Return the mean share of a list [0, 1] that is not in the other one: how much of a list is replaced.

    Args:
        before: shape (n_users, k), items by any numbering, −1 for padding; no item twice in a list.
        after: shape (n_users, k'), the same users and numbering.

    Returns:
        The mean over users of 1 − |A ∩ B| / max(|A|, |B|), without users who have neither list; NaN without any user.
    """
    sizes = np.maximum((before >= 0).sum(axis=1), (after >= 0).sum(axis=1))
    # By columns of one list: no array is larger than the lists themselves.
    kept = sum(((after == before[:, [j]]) & (before[:, [j]] >= 0)).sum(axis=1) for j in range(before.shape[1]))
    some = sizes > 0
    return float((1 - (kept + np.zeros(len(sizes)))[some] / sizes[some]).mean()) if some.any() else math.nan
