"""The best k items for many listeners: product and selection in one pass, with memory bounded by the block size.

A worker is a Python thread with its own buffers. It takes a block of listeners, multiplies on one BLAS thread, and
selects with a compiled kernel while the scores are still in the CPU cache. `make bench-speed` compares the time with
that of the matrix product alone.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Final

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.topk import TopK
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.single_threaded import single_threaded_blas
from pipeline.runtime.threads import threads_for_task

SCORES_BYTES = 16 * 2**20
MAX_BLOCK = 512
TILE_ITEMS = 512
"""Items per tile of scores: with 512 listeners a tile is 1 MiB, which fits a core's L2 cache."""

WRITABLE: Final = ("C", "W")
"""Flags for `np.require`: Numba compiles a kernel once per array type, and read-only arrays would be a second type."""

Worker = Callable[[int, npt.NDArray[np.intp]], None]


def block_rows(n_items: int) -> int:
    """Return the rows per block of scores: a power of two up to 512 with at most 16 MiB of float32, at least 1."""
    fitting = max(1, min(MAX_BLOCK, SCORES_BYTES // (4 * max(n_items, 1))))
    return 1 << (fitting.bit_length() - 1)


def best_products(
    listeners: npt.NDArray[np.float32],
    items: npt.NDArray[np.float32],
    user_idx: npt.NDArray[np.int32],
    *,
    k: int,
    exclude: sp.csr_matrix | None = None,
    unlisted: npt.NDArray[np.bool_] | None = None,
) -> TopK:
    """Return the k items with the highest product for each listener's vector; ties go to the lower index.

    BLAS may round the last bit of a row's product differently in matrices of another shape. So a listener is always
    multiplied within the same block of rows, at the same position, and rows that were not requested are ignored.
    Requesting all listeners in ascending order has no overhead; a single listener costs a whole block.

    Args:
        listeners: float32 of shape (n_listeners, factors).
        items: float32 of shape (n_items, factors).
        user_idx: int32 of shape (n_users,), rows of `listeners`.
        exclude: CSR of shape (n_users, n_items), items to exclude for each listener.
        unlisted: bool of shape (n_items,), items to exclude for all listeners.

    Returns:
        TopK of shape (n_users, k).

    Raises:
        IndexError: `user_idx` has a row outside `listeners`.
    """
    from pipeline.recommenders.kernels import scan_tile, sort_heaps

    n_listeners, n_items = len(listeners), len(items)
    top = _heaps(user_idx, n_listeners, k)
    none = np.empty(0, dtype=np.int32) if unlisted is None else np.flatnonzero(unlisted).astype(np.int32)
    indptr, indices = _entries(exclude, user_idx.size)
    firsts = range(0, n_items, TILE_ITEMS)
    gaps = np.searchsorted(none, np.append(firsts, n_items))
    columns = [items[first : first + TILE_ITEMS].T for first in firsts]

    def worker() -> Worker:
        buffer = np.empty(MAX_BLOCK * TILE_ITEMS, dtype=np.float32)

        def run(block: int, positions: npt.NDArray[np.intp]) -> None:
            start = block * MAX_BLOCK
            factors = listeners[start : min(start + MAX_BLOCK, n_listeners)]
            rows = user_idx[positions].astype(np.int64) - start
            bounds, kept_out = _taken(indptr, indices, positions)
            best, ids, place = top.scores[positions], top.items[positions], bounds[:-1].copy()
            for number, first in enumerate(firsts):
                width = columns[number].shape[1]
                tile = buffer[: len(factors) * width].reshape(len(factors), width)
                np.matmul(factors, columns[number], out=tile)
                gap = none[gaps[number] : gaps[number + 1]]
                scan_tile(tile, first, rows, gap, bounds, kept_out, place, best, ids)
            sort_heaps(best, ids)
            top.scores[positions], top.items[positions] = best, ids

        return run

    with single_threaded_blas():
        _share(worker, _by_block(user_idx, MAX_BLOCK))
    return top


def best_votes(
    left: sp.csr_matrix,
    right: sp.csr_matrix,
    user_idx: npt.NDArray[np.int32],
    *,
    k: int,
    exclude: sp.csr_matrix | None = None,
    discount: npt.NDArray[np.float32] | None = None,
) -> TopK:
    """Return the k largest positive entries of some rows of left · right; ties go to the lower column.

    Each row is summed on its own, in the order of its entries, so that results do not depend on the other rows.

    Args:
        left: CSR float32 of shape (n_rows, n_middle).
        right: CSR float32 of shape (n_middle, n_items).
        user_idx: int32 of shape (n_users,), rows of `left`.
        exclude: CSR of shape (n_users, n_items), items to exclude for each row.
        discount: float32 of shape (n_items,), factors of the columns, applied before the selection; 1 by default.

    Returns:
        TopK of shape (n_users, k).

    Raises:
        IndexError: `user_idx` has a row outside `left`.
    """
    from pipeline.recommenders.kernels import sort_heaps, vote

    n_items = right.shape[1]
    top = _heaps(user_idx, left.shape[0], k)
    indptr, indices = _entries(exclude, user_idx.size)
    factors = (*_parts(left), *_parts(right))
    scale = np.ones(n_items, dtype=np.float32) if discount is None else np.require(discount, np.float32, WRITABLE)

    def worker() -> Worker:
        sums, touched = np.zeros(n_items, dtype=np.float32), np.empty(n_items, dtype=np.int32)
        seen = np.zeros(n_items, dtype=np.bool_)

        def run(block: int, positions: npt.NDArray[np.intp]) -> None:
            rows = user_idx[positions].astype(np.int64)
            best, ids = top.scores[positions], top.items[positions]
            vote(rows, *factors, scale, *_taken(indptr, indices, positions), sums, seen, touched, best, ids)
            sort_heaps(best, ids)
            top.scores[positions], top.items[positions] = best, ids

        return run

    _share(worker, _by_block(user_idx, MAX_BLOCK))
    return top


def best_dense_votes(
    left: sp.csr_matrix,
    right: npt.NDArray[np.float32],
    user_idx: npt.NDArray[np.int32],
    *,
    k: int,
    exclude: sp.csr_matrix | None = None,
) -> TopK:
    """Return the same as `best_votes` for a dense `right`; only the stored entries of `left` are multiplied.

    Args:
        left: CSR float32 of shape (n_rows, n_middle).
        right: float32 of shape (n_middle, n_items), C-contiguous.
        user_idx: int32 of shape (n_users,), rows of `left`.
        exclude: CSR of shape (n_users, n_items), items to exclude for each row.

    Returns:
        TopK of shape (n_users, k), with positive scores.

    Raises:
        IndexError: `user_idx` has a row outside `left`.
    """
    from pipeline.recommenders.kernels import add_votes, scan_tile, sort_heaps

    n_items = right.shape[1]
    top, none = _heaps(user_idx, left.shape[0], k), np.empty(0, dtype=np.int32)
    indptr, indices = _entries(exclude, user_idx.size)
    votes, matrix = _parts(left), np.require(right, np.float32, WRITABLE)

    def worker() -> Worker:
        buffer = np.empty(MAX_BLOCK * TILE_ITEMS, dtype=np.float32)

        def run(block: int, positions: npt.NDArray[np.intp]) -> None:
            rows = user_idx[positions].astype(np.int64)
            bounds, kept_out = _taken(indptr, indices, positions)
            # Heaps start with scores of 0, so only positive scores enter.
            best, ids = np.zeros((len(rows), k), dtype=np.float32), top.items[positions]
            place, every = bounds[:-1].copy(), np.arange(len(rows))
            for first in range(0, n_items, TILE_ITEMS):
                width = min(TILE_ITEMS, n_items - first)
                tile = buffer[: len(rows) * width].reshape(len(rows), width)
                add_votes(rows, *votes, matrix, first, tile)
                scan_tile(tile, first, every, none, bounds, kept_out, place, best, ids)
            sort_heaps(best, ids)
            top.scores[positions], top.items[positions] = best, ids

        return run

    _share(worker, _by_block(user_idx, MAX_BLOCK))
    return top


def best_mixture(members: Sequence[TopK], weights: Sequence[float], *, n_items: int, k: int) -> TopK:
    """Return the k candidates of the highest Σ weight · score for each listener; ties go to the lower index.

    Each member's scores are rescaled to [0, 1] in each of its lists; a member that does not list an item adds 0. Only
    the members' candidates are looked at: cost follows the length of their lists, not the size of the catalogue.

    Args:
        members: lists of the same listeners, of any length.
        weights: one a member.
        n_items: size of the catalogue.
        k: length of the lists.

    Returns:
        TopK of the members' number of listeners and k places.
    """
    from pipeline.recommenders.kernels import mix, sort_heaps

    n_users = len(members[0].items)
    every = np.arange(n_users, dtype=np.int32)
    top, given = _heaps(every, n_users, k), np.asarray(weights, dtype=np.float32)
    depth = max(lists.items.shape[1] for lists in members)

    def worker() -> Worker:
        sums, seen = np.zeros(n_items, dtype=np.float32), np.zeros(n_items, dtype=np.bool_)
        touched = np.empty(min(len(members) * depth, n_items), dtype=np.int32)
        listed = np.full((len(members), MAX_BLOCK, depth), -1, dtype=np.int32)
        scores = np.empty((len(members), MAX_BLOCK, depth), dtype=np.float32)

        def run(_block: int, positions: npt.NDArray[np.intp]) -> None:
            rows = slice(int(positions[0]), int(positions[-1]) + 1)  # listeners in their order: a block is a slice
            size = rows.stop - rows.start
            for number, lists in enumerate(members):
                width = lists.items.shape[1]
                listed[number, :size, :width] = lists.items[rows]
                scores[number, :size, :width] = lists.scores[rows]
            best, ids = top.scores[rows], top.items[rows]
            mix(listed[:, :size], scores[:, :size], given, sums, seen, touched, best, ids)
            sort_heaps(best, ids)

        return run

    _share(worker, _by_block(every, MAX_BLOCK))
    return top


def recommend_all(
    model: Recommender, *, n_listeners: int, k: int, exclude: sp.csr_matrix | None = None, block: int = 4096
) -> TopK:
    """Return the lists of listeners 0 … n_listeners − 1, computed in blocks.

    Args:
        model: a fitted model.
        n_listeners: number of the model's listeners.
        k: length of the lists.
        exclude: CSR of shape (n_listeners, n_items), items to exclude for each listener.
        block: listeners per block; limits memory to one block's exclusions and scores, besides the result.

    Returns:
        TopK of shape (n_listeners, k).
    """
    parts = []
    for start in range(0, n_listeners, block):
        stop = min(start + block, n_listeners)
        heard = None if exclude is None else exclude[start:stop]
        parts.append(model.recommend(np.arange(start, stop, dtype=np.int32), k=k, exclude=heard))
    if not parts:
        return TopK(np.empty((0, k), dtype=np.int32), np.empty((0, k), dtype=np.float32))
    return TopK(np.concatenate([part.items for part in parts]), np.concatenate([part.scores for part in parts]))


def _share(worker: Callable[[], Worker], blocks: Iterator[tuple[int, npt.NDArray[np.intp]]]) -> None:
    """Process all blocks in parallel threads, each block by the next free worker; results do not depend on which."""
    lock = Lock()

    def work() -> None:
        run = worker()
        while True:
            with lock:
                block = next(blocks, None)
            if block is None:
                return
            run(*block)

    n_workers = threads_for_task()
    with ThreadPoolExecutor(n_workers) as pool:
        for done in [pool.submit(work) for _ in range(n_workers)]:
            done.result()


def _by_block(user_idx: npt.NDArray[np.int32], size: int) -> Iterator[tuple[int, npt.NDArray[np.intp]]]:
    blocks = user_idx // size
    order = np.argsort(blocks, kind="stable")
    numbers, starts = np.unique(blocks[order], return_index=True)
    for number, positions in zip(numbers, np.split(order, starts[1:]), strict=False):
        yield int(number), positions


def _heaps(user_idx: npt.NDArray[np.int32], n_rows: int, k: int) -> TopK:
    """Return empty heaps of shape (n_users, k): items −1, scores −inf.

    Raises:
        IndexError: a row is outside 0 … n_rows − 1. Compiled code checks no bounds and would crash the interpreter.
    """
    if user_idx.size and not 0 <= user_idx.min() <= user_idx.max() < n_rows:
        raise IndexError(f"rows {user_idx.min()} to {user_idx.max()} of {n_rows}")
    n_users = user_idx.size
    return TopK(np.full((n_users, k), -1, dtype=np.int32), np.full((n_users, k), -np.inf, dtype=np.float32))


def _entries(exclude: sp.csr_matrix | None, n_users: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    if exclude is None:
        return np.zeros(n_users + 1, dtype=np.int64), np.empty(0, dtype=np.int32)
    ordered = exclude if exclude.has_sorted_indices else exclude.sorted_indices()
    return np.require(ordered.indptr, np.int64, WRITABLE), np.require(ordered.indices, np.int32, WRITABLE)


def _taken(
    indptr: npt.NDArray[np.int64], indices: npt.NDArray[np.int32], positions: npt.NDArray[np.intp]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32]]:
    """Return the bounds and the indices of some rows of a CSR matrix, in the order of `positions`."""
    lengths = indptr[positions + 1] - indptr[positions]
    bounds = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths)])
    at = np.arange(bounds[-1]) + np.repeat(indptr[positions] - bounds[:-1], lengths)
    return bounds, indices[at]


def _parts(
    matrix: sp.csr_matrix,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int32], npt.NDArray[np.float32]]:
    return (
        np.require(matrix.indptr, np.int64, WRITABLE),
        np.require(matrix.indices, np.int32, WRITABLE),
        np.require(matrix.data, np.float32, WRITABLE),
    )
