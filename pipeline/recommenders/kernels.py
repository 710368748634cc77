"""Compiled selection of the best k. Every row has its own heap, so no row's list depends on another's.

A heap holds k pairs of score and item. Its root is the pair to be replaced next: the lowest score and, among ties, the
highest item. It starts with k pairs of −inf and −1, so a score of −inf never enters.
"""

import numba
import numpy as np
import numpy.typing as npt
from numba.cpython.unsafe.numbers import trailing_zeros

# Numba's cache is invalidated by changes to this file only: everything that compiled code uses must be defined here.
GROUP = 64
"""Number of scores compared with a heap's root at once. Almost all are below it, which takes no branch to find out;
those above are marked in a word of as many bits, and located by counting its trailing zeros."""

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]  # Numba ships no types
def _sift(scores: F32, items: I32, n: int, score: np.float32, item: np.int32) -> None:
    """Replace the root of a heap of n pairs, and restore the heap by sinking the new pair."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= n:
            break
        other = child + 1
        if other < n and (
            scores[other] < scores[child] or (scores[other] == scores[child] and items[other] > items[child])
        ):
            child = other
        if scores[child] > score or (scores[child] == score and items[child] < item):
            break
        scores[at], items[at] = scores[child], items[child]
        at = child
    scores[at], items[at] = score, item


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def scan_tile(  # noqa: PLR0917  # Numba takes no keyword-only arguments
    tile: F32,
    first_item: int,
    rows: I64,
    unlisted: I32,
    indptr: I64,
    indices: I32,
    place: I64,
    best: F32,
    items: I32,
) -> None:
    """Push a tile's scores onto the heaps. A row's tiles must be passed in the order of ascending items.

    Args:
        tile: (n_tile_rows, width), scores of the items first_item … first_item + width − 1.
        rows: (n,), the rows of the tile that are asked for.
        unlisted: items of the tile that are on no list.
        indptr, indices: (n + 1,) and CSR indices, sorted in each row: items that are kept out of row i's list.
        place: (n,), how far each row's exclusions have been read; moved on.
        best, items: (n, k), the heaps.
    """
    masked = np.empty(tile.shape[1], dtype=np.float32)
    for i in range(rows.shape[0]):
        scores, heap, ids = tile[rows[i]], best[i], items[i]
        for item in unlisted:
            scores[item - first_item] = -np.inf
        # What is heard mostly scores high: masked, it does not stop the scan.
        at = place[i]
        while at < indptr[i + 1] and indices[at] < first_item + scores.shape[0]:
            j = indices[at] - first_item
            if at == place[i] or indices[at] != indices[at - 1]:  # an entry may be stored twice
                masked[j], scores[j] = scores[j], -np.inf
            at += 1
        root = heap[0]
        for start in range(0, scores.shape[0], GROUP):
            # A slice, and 32 bits to count with: the compiler then compares a register of scores at once.
            group, n_above = scores[start : start + GROUP], np.int32(0)
            for j in range(group.shape[0]):
                n_above += np.int32(group[j] > root)
            if not n_above:
                continue
            above = np.uint64(0)
            for j in range(group.shape[0]):
                above |= np.uint64(group[j] > root) << np.uint64(j)
            while above:
                j = np.int64(trailing_zeros(above))
                above &= above - np.uint64(1)
                if group[j] > root:
                    _sift(heap, ids, heap.shape[0], group[j], np.int32(first_item + start + j))
                    root = heap[0]
        # Another list may be asked of the same row, with other exclusions.
        for a in range(place[i], at):
            scores[indices[a] - first_item] = masked[indices[a] - first_item]
        place[i] = at


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def vote(  # noqa: PLR0917  # as above
    rows: I64,
    left_indptr: I64,
    left_indices: I32,
    left_data: F32,
    right_indptr: I64,
    right_indices: I32,
    right_data: F32,
    discount: F32,
    indptr: I64,
    indices: I32,
    sums: F32,
    seen: npt.NDArray[np.bool_],
    touched: I32,
    best: F32,
    items: I32,
) -> None:
    """Push the positive entries of some rows of left · right, each times its column's discount, onto the heaps.

    Args:
        rows: (n,), rows of left.
        indptr, indices: (n + 1,) and CSR indices: columns that are kept out of row i's list.
        sums, seen: zeros of shape (n_columns,), left as they were.
        touched: room for n_columns indexes.
        best, items: (n, k), the heaps.
    """
    for i in range(rows.shape[0]):
        n_touched = 0
        for a in range(left_indptr[rows[i]], left_indptr[rows[i] + 1]):
            middle, value = left_indices[a], left_data[a]
            for b in range(right_indptr[middle], right_indptr[middle + 1]):
                column = right_indices[b]
                if not seen[column]:
                    seen[column] = True
                    touched[n_touched] = column
                    n_touched += 1
                sums[column] += value * right_data[b]
        for a in range(indptr[i], indptr[i + 1]):
            sums[indices[a]] = -np.inf
        heap, ids = best[i], items[i]
        for t in range(n_touched):
            column = touched[t]
            score = sums[column] * discount[column]
            if score > 0 and (score > heap[0] or (score == heap[0] and column < ids[0])):
                _sift(heap, ids, heap.shape[0], score, column)
            sums[column], seen[column] = 0, False
        for a in range(indptr[i], indptr[i + 1]):
            sums[indices[a]] = 0


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def add_votes(  # noqa: PLR0917  # as above
    rows: I64, indptr: I64, indices: I32, data: F32, matrix: F32, first: int, tile: F32
) -> None:
    """Set tile[i] to row rows[i] of a CSR matrix · columns first … first + width − 1 of a dense matrix.

    Args:
        rows: (n,), rows of the CSR.
        tile: (n, width), room for the products.
    """
    columns = slice(first, first + tile.shape[1])
    for i in range(rows.shape[0]):
        sums, at, end = tile[i], indptr[rows[i]], indptr[rows[i] + 1]
        sums[:] = 0
        # Four votes to a pass: reading and writing the sums costs more than adding to them. The order stays the same.
        while at + 4 <= end:
            a, b, c, d = data[at], data[at + 1], data[at + 2], data[at + 3]
            of_a, of_b = matrix[indices[at], columns], matrix[indices[at + 1], columns]
            of_c, of_d = matrix[indices[at + 2], columns], matrix[indices[at + 3], columns]
            for j in range(sums.shape[0]):
                sums[j] = (((sums[j] + a * of_a[j]) + b * of_b[j]) + c * of_c[j]) + d * of_d[j]
            at += 4
        while at < end:
            value, votes = data[at], matrix[indices[at], columns]
            for j in range(sums.shape[0]):
                sums[j] += value * votes[j]
            at += 1


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def mix(  # noqa: PLR0917  # as above
    listed: I32, scores: F32, weights: F32, sums: F32, seen: npt.NDArray[np.bool_], touched: I32, best: F32, items: I32
) -> None:
    """Push each listener's candidates onto the heaps, with Σ weight · score, scores rescaled to [0, 1] in each list.

    Candidates are pooled: only what a member lists is looked at, not the catalogue. Sums are taken in the order of the
    members.

    Args:
        listed, scores: (n_members, n, depth), the members' lists, padded with −1.
        weights: (n_members,).
        sums, seen: zeros of shape (n_items,), left as they were.
        touched: room for n_members · depth indexes.
        best, items: (n, k), the heaps.
    """
    for i in range(listed.shape[1]):
        n_touched = 0
        for m in range(listed.shape[0]):
            own, values, n = listed[m, i], scores[m, i], 0
            while n < own.shape[0] and own[n] >= 0:
                n += 1
            if n == 0:
                continue
            low, width = values[n - 1], values[0] - values[n - 1]
            for j in range(n):
                item = own[j]
                if not seen[item]:
                    seen[item] = True
                    touched[n_touched] = item
                    n_touched += 1
                scaled = (values[j] - low) / width if width > 0 else np.float32(1)
                sums[item] += weights[m] * scaled
        heap, ids = best[i], items[i]
        for t in range(n_touched):
            item = touched[t]
            score = sums[item]
            if score > heap[0] or (score == heap[0] and item < ids[0]):
                _sift(heap, ids, heap.shape[0], score, item)
            sums[item], seen[item] = 0, False


@numba.njit(cache=True, nogil=True)  # type: ignore[untyped-decorator]
def sort_heaps(best: F32, items: I32) -> None:
    """Turn each heap into a list in place: best first, padded with score NaN and item −1."""
    for i in range(best.shape[0]):
        heap, ids = best[i], items[i]
        for last in range(heap.shape[0] - 1, 0, -1):
            score, item = heap[last], ids[last]
            heap[last], ids[last] = heap[0], ids[0]
            _sift(heap, ids, last, score, item)
        for j in range(heap.shape[0]):
            if ids[j] < 0:
                heap[j] = np.nan


def load() -> None:
    """Load the compiled kernels that most families use from Numba's cache, or compile them: half a second of CPU.

    Called on empty arrays of the types that `pipeline.recommenders.scoring` passes. A process that forks calls this
    first, so that its forks need not, and the cost that they measure is that of their work alone.
    """
    i32, i64, f32 = (np.empty(0, dtype=kind) for kind in (np.int32, np.int64, np.float32))
    bounds, matrix, lists = np.zeros(1, dtype=np.int64), np.empty((0, 1), np.float32), np.empty((0, 1), np.int32)
    scan_tile(matrix, 0, i64, i32, bounds, i32, i64, matrix, lists)
    vote(i64, bounds, i32, f32, bounds, i32, f32, f32, bounds, i32, f32, np.empty(0, np.bool_), i32, matrix, lists)
    sort_heaps(matrix, lists)
