"""The gain of a search corrected for selection, and what a further trial is expected to bring."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CrossedGain:
    """A gain corrected for selection (winner's curse); `se` is its standard error over listeners."""

    delta: float
    se: float


def crossed_gain(values: Floats) -> CrossedGain:
    """Return the gain of the best trial over the first, selected on one half of the listeners, measured on the other,
    and averaged over both directions (two-fold cross-validation).

    The figures by which the best of many trials was selected overestimate it. Here, the listeners that select are not
    those that measure. Some bias remains: the search itself was led by all listeners, and both halves share the days.

    Args:
        values: float64 of shape (n_trials, n_listeners), n_listeners ≥ 4. Halves are the even and the odd columns.
    """
    deltas, variances = [], []
    for chooses, judges in ((0, 1), (1, 0)):
        best = int(values[:, chooses::2].mean(axis=1).argmax())
        gains = values[best, judges::2] - values[0, judges::2]
        deltas.append(float(gains.mean()))
        variances.append(float(gains.var(ddof=1)) / len(gains))
    return CrossedGain(math.fsum(deltas) / 2, math.sqrt(math.fsum(variances)) / 2)


@dataclass(frozen=True)
class Outlook:
    """What a further trial would cost and bring.

    Attributes:
        cpu_seconds: expected cost [s], the mean of the trials so far.
        gain: an upper bound of the expected gain, in the metric.
    """

    cpu_seconds: float
    gain: float


def outlook(values: Sequence[float], cpu_seconds: Sequence[float]) -> Outlook:
    """Estimate what one more trial would cost and bring.

    Among N independent draws, the last raises the maximum by (first − second) / N on average over all orders: with
    probability 1/N it is the maximum, which then exceeds the second by their distance. The increments of an expected
    maximum decrease in N, so the next draw brings no more. A sampler that learns does better at first and then samples
    near its best; twice as many trials are expected to bring at most first − second.

    Args:
        values: of each trial, at least two.
        cpu_seconds: of each trial [s].
    """
    second, first = sorted(values)[-2:]
    return Outlook(math.fsum(cpu_seconds) / len(cpu_seconds), (first - second) / len(values))
