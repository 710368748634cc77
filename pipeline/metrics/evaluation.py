"""Lists against what listeners went on to play."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.metrics.accuracy import average, hit_matrix, listener_metrics
from pipeline.metrics.beyond_accuracy import catalogue_coverage, exposure, gini, novelty, top_share

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """What lists are measured against.

    Items are numbered by a vocabulary: the catalogue in training first, then what was only played in the decision
    window. The latter no recommender can find, and all the same it counts among a listener's relevant items.

    Attributes:
        relevant: CSR bool of shape (n_eligible, n_vocabulary), at least one entry in each row.
        slices: for each slice, bool of shape (n_eligible,).
        popularity: int32 of shape (n_items,), training listeners of each item of the catalogue.
        n_listeners: listeners in training.
    """

    relevant: sp.csr_matrix
    slices: dict[str, Bools]
    popularity: npt.NDArray[np.int32]
    n_listeners: int

    @property
    def n_relevant(self) -> npt.NDArray[np.int32]:
        return np.diff(self.relevant.indptr).astype(np.int32)


@dataclass(frozen=True)
class Measured:
    """One fit's lists, measured.

    Attributes:
        listener: for each metric, shape (n_eligible,).
        catalogue: figures of all lists together.
        n_invalid_lists: lists that no one should be given.
    """

    listener: dict[str, Floats]
    catalogue: dict[str, float]
    n_invalid_lists: int


def measure(
    lists: npt.NDArray[np.int32], rows: npt.NDArray[np.signedinteger], truth: Truth, *, n_invalid_lists: int
) -> Measured:
    """Measure the lists of one fit.

    Args:
        lists: shape (n_lists, k), items by the vocabulary of `truth`, −1 for padding and for unknown items.
        rows: shape (n_eligible,), the row of `lists` of each eligible listener, −1 without a list: that scores 0.
        truth: what was played.
        n_invalid_lists: counted where the lists were made.

    Examples:
        Two listeners, two items; the second listener has no list.

        >>> truth = Truth(
        ...     relevant=sp.csr_matrix(np.array([[True, False], [False, True]])),
        ...     slices={},
        ...     popularity=np.array([2, 1], dtype=np.int32),
        ...     n_listeners=2,
        ... )
        >>> lists = np.array([[0, 1]], dtype=np.int32)
        >>> measured = measure(lists, np.array([0, -1]), truth, n_invalid_lists=0)
        >>> measured.listener["ndcg"].tolist(), measured.catalogue["catalogue_coverage"]
        ([1.0, 0.0], 1.0)
    """
    hits = hit_matrix(lists_at(lists, rows), truth.relevant)
    shown = exposure(lists, len(truth.popularity))
    return Measured(
        listener=listener_metrics(hits, truth.n_relevant),
        catalogue={
            "catalogue_coverage": catalogue_coverage(shown),
            "novelty": novelty(shown, truth.popularity, truth.n_listeners),
            "gini": gini(shown),
            "top_1_percent_share": top_share(shown, truth.popularity),
        },
        n_invalid_lists=n_invalid_lists,
    )


def lists_at(lists: npt.NDArray[np.int32], rows: npt.NDArray[np.signedinteger]) -> npt.NDArray[np.int32]:
    """The lists of shape (n_lists, k) at some rows; a list of nothing but padding, −1, for row −1."""
    without = np.full((1, lists.shape[1]), -1, dtype=np.int32)
    found: npt.NDArray[np.int32] = np.concatenate([lists, without])[rows]
    return found


def summarise(fits: Sequence[Measured], truth: Truth, k: int) -> dict[str, Any]:
    """A recipe's figures: means over eligible listeners, then over its fits.

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


def count_invalid(
    items: npt.NDArray[np.int32], scores: npt.NDArray[np.float32], exclude: sp.csr_matrix | None, *, n_items: int
) -> int:
    """How many lists break a promise: an item twice, an item that was to be left out, an index that is none, a score
    that is not finite or rises, padding before the end.

    Args:
        items: shape (n_users, k), item_idx, padded with −1.
        scores: shape (n_users, k).
        exclude: CSR of shape (n_users, n_items).
        n_items: size of the catalogue.
    """
    used = items >= 0
    both = used[:, 1:] & used[:, :-1]
    ordered = np.sort(items, axis=1)
    bad = ((items < -1) | (items >= n_items) | (used & ~np.isfinite(scores))).any(axis=1)
    bad |= (~used[:, :-1] & used[:, 1:]).any(axis=1)
    bad |= ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    bad |= (both & (scores[:, 1:] > scores[:, :-1])).any(axis=1)
    if exclude is not None:
        inside = np.where((items >= 0) & (items < n_items), items, -1).astype(np.int32)
        bad |= hit_matrix(inside, exclude).any(axis=1)
    return int(bad.sum())


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
