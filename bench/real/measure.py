"""Lists of every recipe for the weeks ahead, and their metrics for each listener and week."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

from bench.real.windows import Window
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.listener.recall import recall
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import build
from pipeline.runtime.meter import CostMeter

METRICS = ("ndcg", "ndcg_new", "ndcg_known", "recall", "share_known")
"""NDCG@k and recall@k of what the week held: new artists if lists leave out what was heard, else all. Then NDCG of the
same list against the new and against the known artists alone, and the share of the list that the listener knew."""


@dataclass
class Weeks:
    """Metrics of a recipe, one value for each listener and week; and its costs [CPU s], summed over weeks.

    Attributes:
        listeners: whose weeks, aligned with each of `values`.
        values: by metric, NaN where it is undefined.
    """

    listeners: list[str] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in METRICS})
    fit_cpu_seconds: float = 0.0
    list_cpu_seconds: float = 0.0


def add_week(into: Mapping[str, Weeks], window: Window, recipes: Mapping[str, FamilyParams], *, k: int, only_new: bool,
             seed: int) -> None:  # fmt: skip
    """Fit every recipe to what came before a week, and add the metrics of its lists to `into`."""
    for name, recipe in recipes.items():
        rng = np.random.default_rng((seed, zlib.crc32(name.encode()), window.day))
        with CostMeter() as fitting:
            model = build(recipe).fit(window.interactions, rng=rng)
        with CostMeter() as listing:
            items = model.recommend(window.rows, k=k, exclude=window.heard if only_new else None).items
        weeks = into[name]
        weeks.listeners += window.listeners
        weeks.fit_cpu_seconds += fitting.cost().cpu_seconds
        weeks.list_cpu_seconds += listing.cost().cpu_seconds
        for metric, values in metrics_of(items, window, only_new=only_new).items():
            weeks.values[metric] += values.tolist()


def metrics_of(items: np.ndarray, window: Window, *, only_new: bool) -> dict[str, np.ndarray]:
    """Return METRICS of the judges' lists, float64 of shape (judges,) each.

    Args:
        items: int32 of shape (judges, k).
    """
    hits = hit_matrix(items, window.relevant)
    known = hit_matrix(items, sp.csr_matrix(window.heard > 0))
    wanted = window.n_new if only_new else window.n_new + window.n_known
    with np.errstate(invalid="ignore"):
        return {
            "ndcg": ndcg(hits, wanted),
            "ndcg_new": ndcg(hits & ~known, window.n_new),
            "ndcg_known": ndcg(hits & known, window.n_known),
            "recall": recall(hits, wanted),
            "share_known": known.sum(axis=1) / np.maximum((items >= 0).sum(axis=1), 1),
        }
