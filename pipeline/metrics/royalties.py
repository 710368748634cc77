"""What a play from a list costs in royalties, expected from the ranks of its items."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def attention(k: int) -> Floats:
    """Return how much of the plays from a list each rank is expected to have, up to a factor: 1 / log2(rank + 1).

    It is the discount of NDCG (Järvelin & Kekäläinen 2002), so that gain and royalties weigh ranks alike.
    """
    return 1 / np.log2(np.arange(k) + 2)


def expected_royalty(lists: Sequence[npt.NDArray[np.int32]], prices: Floats) -> tuple[float, float]:
    """Return the share of expected plays that are of items without a price, and Σ share · price over the others.

    A list has one play to give, however long it is; empty lists have none.

    Args:
        lists: of each fit, shape (n_listeners, k), −1 for padding.
        prices: shape (n_items,), royalty of a play [currency], NaN without one.

    Returns:
        (1.0, 0.0) without a list.

    Examples:
        Item 0 costs 2 and item 1 has no price. At k = 2 the ranks have weights 1 and 1 / log2(3).

        >>> unpriced, priced = expected_royalty([np.array([[0, 1]], dtype=np.int32)], np.array([2.0, np.nan]))
        >>> second = (1 / np.log2(3)) / (1 + 1 / np.log2(3))
        >>> bool(np.isclose(unpriced, second)), bool(np.isclose(priced, 2 * (1 - second)))
        (True, True)
    """
    known = np.isfinite(prices)
    costs, unpriced = np.append(np.where(known, prices, 0.0), 0.0), np.append(~known, False)
    n, share, amount = 0, 0.0, 0.0
    for items in lists:
        weight = np.where(items >= 0, attention(items.shape[1]), 0.0)
        total = weight.sum(axis=1, keepdims=True)
        there = total[:, 0] > 0
        weight = weight[there] / total[there]
        n += int(there.sum())
        share += float((weight * unpriced[items[there]]).sum())
        amount += float((weight * costs[items[there]]).sum())
    return (share / n, amount / n) if n else (1.0, 0.0)
