"""Comparing two recipes on withheld pairs alone.

The log rewards what was served: an item that a list has put before a listener is played more, whichever recipe is
better. A pair (listener, item) that chance kept out of all lists cannot have been caused by them. Discounted gain over
these pairs, divided by q, is an unbiased estimate of what each recipe's discounted gain would be in a log without lists
(Horvitz & Thompson 1952), **if withholding an item from a listener changes no play of other items** (no spill-over).
Where listeners play something similar instead, the difference of two recipes is still free of what the served one
caused, but its size is not that of a log without lists.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.online.effects import Effect, Flags, Floats, ratio_effect


@dataclass(frozen=True)
class PlayedPairs:
    """Pairs of listeners and items that were played in the decision window, one entry a pair.

    Attributes:
        listener: int64, its place among the listeners.
        day: int64, the day of the first play.
        control: float64, 1 / log2(1 + rank) on the control's list of the listener, 0 if it is not on it.
        treatment: the same for the treatment's.
        withheld: whether chance kept the pair out of all lists.
    """

    listener: npt.NDArray[np.int64]
    day: npt.NDArray[np.int64]
    control: Floats
    treatment: Floats
    withheld: Flags


@dataclass(frozen=True)
class PairComparison:
    """Relative difference of discounted gain, treatment over control.

    Attributes:
        withheld: on withheld pairs; None if too few of them were played.
        raw: on all pairs of the log.
        n_withheld: withheld pairs that were played and are on one of the lists.
    """

    withheld: Effect | None
    raw: Effect | None
    n_withheld: int


def discount(rank: Floats) -> Floats:
    """Return 1 / log2(1 + rank), the discount of NDCG; 0 where the rank is NaN, which is not listed."""
    found: Floats = np.nan_to_num(1 / np.log2(1 + rank), nan=0.0)
    return found


def compare_pairs(pairs: PlayedPairs, *, n_listeners: int, n_days: int) -> PairComparison:
    """Return treatment against control on withheld pairs, and on all pairs."""
    listed = (pairs.control > 0) | (pairs.treatment > 0)

    def compared(kept: Flags) -> Effect | None:
        shape = (n_listeners, n_days)
        ours, theirs = np.zeros(shape), np.zeros(shape)
        places = (pairs.listener[kept], pairs.day[kept])
        np.add.at(ours, places, pairs.treatment[kept])
        np.add.at(theirs, places, pairs.control[kept])
        return ratio_effect(ours - theirs, theirs)

    kept = listed & pairs.withheld
    return PairComparison(compared(kept), compared(listed), int(kept.sum()))
