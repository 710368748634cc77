"""Intervals of means over listener-weeks, and of differences between recipes.

A listener's weeks resemble each other, so that weeks of the same few people are less evidence than as many weeks of
different people. The interval over listeners takes a listener's weeks together (the linearised ratio estimator of
cluster sampling: Cochran, "Sampling Techniques", 1977, 2.11), with Student's t for their number less one. The interval
over listener-weeks, as if each were of another person, is given beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

FEW = 30
"""Fewer listeners than these are labelled: with few clusters, intervals are rough."""


@dataclass(frozen=True)
class Mean:
    """A mean over listener-weeks with its two intervals of 95 %; NaN if there are fewer than two of what they count."""

    value: float
    over_listeners: tuple[float, float]
    over_weeks: tuple[float, float]
    n_listeners: int
    n_weeks: int

    @property
    def few(self) -> str:
        """Return the label of few listeners; empty if there are enough."""
        return f"FEW: {self.n_listeners} listeners" if self.n_listeners < FEW else ""


def mean_of(listeners: Sequence[str], values: Sequence[float]) -> Mean:
    """Return the mean of the values that are defined, and its intervals.

    Args:
        listeners: whose week each value is of.
        values: of metrics, or of differences between two recipes on the same weeks.

    Examples:
        Two people with two equal weeks each are two observations, not four.

        >>> found = mean_of(["ann", "ann", "bob", "bob"], [0.0, 0.0, 1.0, 1.0])
        >>> found.value, found.n_listeners, found.n_weeks
        (0.5, 2, 4)
        >>> [round(end, 2) for end in found.over_listeners], [round(end, 2) for end in found.over_weeks]
        ([-5.85, 6.85], [-0.42, 1.42])
    """
    given = np.asarray(values, dtype=np.float64)
    there = ~np.isnan(given)
    given, (names, whose) = given[there], np.unique(np.asarray(listeners)[there], return_inverse=True)
    if not len(given):
        nothing = (math.nan, math.nan)
        return Mean(math.nan, nothing, nothing, 0, 0)
    value, n = float(given.mean()), len(given)
    sums = np.bincount(whose, weights=given - value, minlength=len(names))
    g = len(names)
    between = math.sqrt(float((sums**2).sum()) / n**2 * g / (g - 1)) if g > 1 else math.nan
    alone = float(given.std(ddof=1)) / math.sqrt(n) if n > 1 else math.nan
    return Mean(value, _around(value, between, g), _around(value, alone, n), g, n)


def _around(value: float, se: float, n: int) -> tuple[float, float]:
    half = float(t.ppf(0.975, n - 1)) * se if n > 1 else math.nan
    return value - half, value + half
