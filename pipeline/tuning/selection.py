"""What a search among many recipes found, and what it would take to find more."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CrossedGain:
    """A gain without the luck of being chosen; `se` is its standard error over listeners."""

    delta: float
    se: float


def crossed_gain(values: Floats) -> CrossedGain:
    """The gain over the first trial of the one that is best on half of the listeners, measured on the other half; the
    mean of both ways round.

    The best of many trials looks better than it is, for it was chosen by the very figures that are then shown. Here the
    listeners who choose are not those who judge (two-fold cross-validation). What is left of luck: the search was led
    by all listeners, and both halves lived through the same days.

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
    """What going on costs and brings.

    Attributes:
        cpu_seconds: of one more trial [s], the mean of those that were made.
        gain: of one more trial, in the metric: no more than this on average.
    """

    cpu_seconds: float
    gain: float


def outlook(values: Sequence[float], cpu_seconds: Sequence[float]) -> Outlook:
    """What one more trial would cost and bring, from the trials that were made.

    Of N draws from whatever distribution, the last raises the highest by (first − second) / N on average over all
    orders: with probability 1/N it is the highest, and then by the distance to the second. The growth of an expected
    maximum never rises with N, so the next draw brings no more. A sampler that learns draws better than that at first,
    and then mostly near what it has; twice as many trials are expected to bring at most first − second.

    Args:
        values: of each trial, at least two.
        cpu_seconds: of each trial [s].
    """
    second, first = sorted(values)[-2:]
    return Outlook(math.fsum(cpu_seconds) / len(cpu_seconds), (first - second) / len(values))
