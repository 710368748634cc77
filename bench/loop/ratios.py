"""Planted faults of the sample ratio, such as a cache that favours one arm: are they found?"""

import numpy as np

from bench.loop.intervals import Share
from pipeline.online.ratio import ALPHA, sequential_p

NIGHTS = 28


def found(lost: float, *, n: int, n_listeners: int, rng: np.random.Generator) -> Share:
    """Return how often a fault is found within 28 nights, looked at on each.

    Args:
        lost: share of the listeners of one arm who never appear in it; 0 is no fault.
        n: experiments.
        n_listeners: who are assigned, half to each arm; they come one after another over the nights.
        rng: draws.
    """
    hits = 0
    for _ in range(n):
        arm = rng.random(n_listeners) < 0.5
        there = ~arm | (rng.random(n_listeners) >= lost)
        comes = rng.integers(NIGHTS, size=n_listeners)
        nights = np.array(
            [[(there & ~arm & (comes == d)).sum(), (there & arm & (comes == d)).sum()] for d in range(NIGHTS)]
        )
        counts = nights.cumsum(axis=0)
        hits += any(sequential_p(row.tolist(), [0.5, 0.5]) <= ALPHA for row in counts)
    return Share(hits, n)
