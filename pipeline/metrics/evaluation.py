"""Evaluation of lists against the items that listeners played afterwards."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import relevant_entries
from pipeline.metrics.averaging import average, values_by_listener
from pipeline.metrics.beyond_accuracy import exposure
from pipeline.metrics.catalogue.registry import catalogue_metrics
from pipeline.metrics.listener.ndcg import credits_of_hits
from pipeline.metrics.lists import lists_at
from pipeline.metrics.metric import Shown

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What listeners played, which lists are compared with.

    Items are numbered by a vocabulary: the catalogue in training first, then items that were only played in the
    decision window. No recommender can find the latter; they count among a listener's relevant items all the same.

    Attributes:
        relevant: CSR bool of shape (n_eligible, n_vocabulary), at least one entry in each row.
        first_day: int32 of shape (n_entries,), for each entry of `relevant`, by row and then by item, the position in
            `days` of the day on which the listener first played the item.
        days: the days of the decision window on which something was played for the first time, in order.
        slices: for each slice, bool of shape (n_eligible,).
        popularity: int32 of shape (n_items,), training listeners of each item of the catalogue.
        n_listeners: listeners in training.
    """

    relevant: sp.csr_matrix
    first_day: npt.NDArray[np.int32]
    days: tuple[dt.date, ...]
    slices: dict[str, Bools]
    popularity: npt.NDArray[np.int32]
    n_listeners: int

    @property
    def n_relevant(self) -> npt.NDArray[np.int32]:
        return np.diff(self.relevant.indptr).astype(np.int32)


@dataclass(frozen=True)
class Measured:
    """Metrics of one fit's lists.

    Attributes:
        listener: for each metric, shape (n_eligible,).
        daily: CSR float64 of shape (n_eligible, n_days), NDCG by the day on which the listener first played the item
            that was found; a row adds up to the listener's NDCG.
        catalogue: for each metric of all lists together, its value.
        n_invalid_lists: see `count_invalid`.
    """

    listener: dict[str, Floats]
    daily: sp.csr_matrix
    catalogue: dict[str, float]
    n_invalid_lists: int


def measure(
    lists: npt.NDArray[np.int32], rows: npt.NDArray[np.signedinteger], truth: Truth, *, n_invalid_lists: int
) -> Measured:
    """Measure the lists of one fit.

    Args:
        lists: shape (n_lists, k), items by the vocabulary of `truth`, −1 for padding and for unknown items.
        rows: shape (n_eligible,), the row of `lists` of each eligible listener; −1 without a list, which scores 0.
        truth: what was played.
        n_invalid_lists: counted where the lists were made.

    Examples:
        Two listeners, two items; the second listener has no list.

        >>> truth = Truth(
        ...     relevant=sp.csr_matrix(np.array([[True, False], [False, True]])),
        ...     first_day=np.array([0, 0], dtype=np.int32),
        ...     days=(dt.date(2026, 3, 1),),
        ...     slices={},
        ...     popularity=np.array([2, 1], dtype=np.int32),
        ...     n_listeners=2,
        ... )
        >>> lists = np.array([[0, 1]], dtype=np.int32)
        >>> measured = measure(lists, np.array([0, -1]), truth, n_invalid_lists=0)
        >>> measured.listener["ndcg"].tolist(), measured.catalogue["catalogue_coverage"]
        ([1.0, 0.0], 1.0)
    """
    entries = relevant_entries(lists_at(lists, rows), truth.relevant)
    hits = entries >= 0
    shown = Shown(exposure(lists, len(truth.popularity)), truth.popularity, truth.n_listeners)
    return Measured(
        listener=values_by_listener(hits, truth.n_relevant),
        daily=_by_day(entries, truth),
        catalogue={metric.name: metric.value(shown) for metric in catalogue_metrics()},
        n_invalid_lists=n_invalid_lists,
    )


def summarise(fits: Sequence[Measured], truth: Truth, k: int) -> dict[str, Any]:
    """Return a recipe's figures: means over eligible listeners, then over its fits.

    Returns:
        Flat figures, with `seeds` (each fit's) and `slices` (each slice's n and means) below them; NaN where undefined.
    """
    by_fit = [average(fit.listener, k) | fit.catalogue for fit in fits]
    names = list(by_fit[0])
    seeds = {name: [figures[name] for figures in by_fit] for name in names}
    slices = {}
    for name, members in truth.slices.items():
        means = [average(fit.listener, k, among=members) for fit in fits]
        slices[name] = {"n": int(members.sum())} | {key: _mean([m[key] for m in means]) for key in means[0]}
    return {
        **{name: _mean(values) for name, values in seeds.items()},
        "n_eligible": int(truth.relevant.shape[0]),
        "n_fits": len(fits),
        "invalid_lists": sum(fit.n_invalid_lists for fit in fits),
        "seeds": seeds,
        "slices": slices,
    }


def mean_by_day(fits: Sequence[Measured]) -> sp.csr_matrix:
    """Return the mean of `daily` over fits, CSR float64 of shape (n_eligible, n_days), at least one fit given."""
    return sp.csr_matrix(sum((fit.daily for fit in fits[1:]), fits[0].daily) / len(fits))


def _by_day(entries: npt.NDArray[np.int64], truth: Truth) -> sp.csr_matrix:
    hits = entries >= 0
    days = truth.first_day[entries[hits]]
    shares = credits_of_hits(hits, truth.n_relevant)
    return sp.csr_matrix((shares, (np.nonzero(hits)[0], days)), shape=(len(entries), len(truth.days)))


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
