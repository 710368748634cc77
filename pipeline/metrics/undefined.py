"""Values that are undefined for some listeners; undefined values are NaN, never 0."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def divide(numerator: npt.NDArray[np.number], denominator: npt.NDArray[np.number]) -> Floats:
    """Return numerator / denominator, NaN where the denominator is not positive; all of shape (n_users,)."""
    out = np.full(len(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out


def where_relevant(values: npt.ArrayLike, n_relevant: npt.NDArray[np.int32]) -> Floats:
    """Return `values`, NaN for listeners without a relevant item; all of shape (n_users,)."""
    return np.where(n_relevant > 0, values, np.nan)
