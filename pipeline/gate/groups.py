"""Random groups of listeners: what a night leaves to later ones of each listener's influence on an estimate.

A sum over the listeners of a group keeps what is needed to combine nights: Σ_g (Σ_t ψ_tg)² estimates the variance of a
sum over nights whose listeners are the same people (random groups: Wolter 2007, Introduction to Variance Estimation,
chapter 2). It does not grow with the number of listeners, and is about no single listener.
"""

import zlib
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

N_GROUPS = 1024
"""Enough for a standard error with a relative error of 1/√(2 · 1024) = 2 %."""

Floats = npt.NDArray[np.float64]
Groups = npt.NDArray[np.int16]


def group_of(listener_ids: Iterable[str]) -> Groups:
    """Return the group of each listener, int16 in [0, N_GROUPS); the same on every night and machine."""
    return np.array([zlib.crc32(each.encode()) % N_GROUPS for each in listener_ids], dtype=np.int16)


def by_group(influence: Floats, groups: Groups) -> Floats:
    """Return the sum of the influences of each group's listeners, float64 of shape (N_GROUPS,)."""
    return np.bincount(groups, weights=influence, minlength=N_GROUPS).astype(np.float64)
