"""Where the rows of a compressed matrix begin, without the silent wrap of 32-bit sums."""

import numpy as np
import numpy.typing as npt

from pipeline.errors import ValidationFailed

MOST_ENTRIES = np.iinfo(np.int32).max
"""Kernels and stored models count entries in 32 bits."""


def row_bounds(lengths: npt.ArrayLike) -> npt.NDArray[np.int32]:
    """Return the `indptr` of a CSR matrix: int32 of shape (n_rows + 1,), from the number of entries of each row.

    Raises:
        ValidationFailed: there are more entries than 2³¹ − 1.

    >>> row_bounds([2, 0, 3]).tolist()
    [0, 2, 2, 5]
    """
    each = np.asarray(lengths, dtype=np.int64)
    bounds = np.zeros(each.size + 1, dtype=np.int64)
    np.cumsum(each, out=bounds[1:])
    if bounds[-1] > MOST_ENTRIES:
        raise ValidationFailed(
            f"a matrix of {bounds[-1]:,} entries",
            expected=f"at most {MOST_ENTRIES:,}",
            fix="Let fewer listeners and items in: `interactions` in params.yaml; see docs/how-to/scale.md.",
        )
    return bounds.astype(np.int32)
