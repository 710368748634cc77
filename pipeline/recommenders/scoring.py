"""Scores in blocks of bounded memory, each listener's the same in whatever batch they are asked for."""

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.core.ranking import mask_entries, top_k
from pipeline.core.topk import TopK
from pipeline.recommenders.protocol import Recommender

SCORES_BYTES = 16 * 2**20
MAX_BLOCK = 256

BlockScorer = Callable[[int, int], npt.NDArray[np.float32]]
"""Scores of the listeners start … stop−1: float32 of shape (stop − start, n_items), −inf without evidence."""


def block_rows(n_items: int) -> int:
    """Rows of a block of scores: a power of two up to 256 that keeps to 16 MiB of float32, or a single row."""
    fitting = max(1, min(MAX_BLOCK, SCORES_BYTES // (4 * max(n_items, 1))))
    return 1 << (fitting.bit_length() - 1)


def recommend_in_blocks(
    score: BlockScorer,
    user_idx: npt.NDArray[np.int32],
    *,
    n_listeners: int,
    n_items: int,
    k: int,
    exclude: sp.csr_matrix | None,
) -> TopK:
    """Lists for some listeners, out of blocks of all listeners whose borders depend on the model alone.

    BLAS may round the last bit of a row's product differently when it comes with other rows. So a listener is always
    scored with the same neighbours, at the same place of a product of the same shape, and the rows that were not asked
    for are dropped. Listeners in ascending order cost nothing extra; a lone one costs a block.
    """
    items = np.full((user_idx.size, k), -1, dtype=np.int32)
    best = np.full((user_idx.size, k), np.nan, dtype=np.float32)
    size = block_rows(n_items)
    for block, positions in _by_block(user_idx, size):
        start = block * size
        scores = score(start, min(start + size, n_listeners))[user_idx[positions] - start]
        if exclude is not None:
            mask_entries(scores, exclude[positions])
        lists = top_k(scores, k=k)
        items[positions], best[positions] = lists.items, lists.scores
    return TopK(items, best)


def recommend_all(
    model: Recommender, *, n_listeners: int, k: int, exclude: sp.csr_matrix | None = None, block: int = 4096
) -> TopK:
    """Lists for listeners 0 … n_listeners−1, asked for `block` at a time.

    Args:
        exclude: CSR of shape (n_listeners, n_items), kept out of the lists.

    Returns:
        TopK of shape (n_listeners, k). Beside it, memory holds one block's exclusions and scores.
    """
    parts = []
    for start in range(0, n_listeners, block):
        stop = min(start + block, n_listeners)
        heard = None if exclude is None else exclude[start:stop]
        parts.append(model.recommend(np.arange(start, stop, dtype=np.int32), k=k, exclude=heard))
    if not parts:
        return TopK(np.empty((0, k), dtype=np.int32), np.empty((0, k), dtype=np.float32))
    return TopK(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))


def _by_block(user_idx: npt.NDArray[np.int32], size: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    blocks = user_idx // size
    order = np.argsort(blocks, kind="stable")
    numbers, starts = np.unique(blocks[order], return_index=True)
    for number, positions in zip(numbers, np.split(order, starts[1:]), strict=False):
        yield int(number), positions
