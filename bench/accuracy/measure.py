"""Fits of a recipe on train, and their lists against valid or test, by the paper's protocol.

All items are ranked, those of train are left out, the ideal list is as short as k, and listeners without an item to be
found are not counted: what `pipeline.metrics.accuracy` computes, and the code of LightGCN++ too.
"""

import zlib
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from bench.accuracy.split import Split
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.metrics.listener.recall import recall
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import build
from pipeline.recommenders.scoring import recommend_all
from pipeline.runtime.meter import CostMeter

DEPTH = 40
METRICS = ("recall_at_10", "ndcg_at_10", "ndcg_at_20", "recall_at_40", "ndcg_at_40")


@dataclass(frozen=True)
class Fit:
    """A fit and its metrics.

    Attributes:
        fit_cpu_seconds, list_cpu_seconds: of the fit, and of a list for every listener [s].
        values: of each of METRICS, float64 of shape (n_judges,), for the listeners with an item to be found.
    """

    fit_cpu_seconds: float
    list_cpu_seconds: float
    values: dict[str, np.ndarray]


def measure(recipe: FamilyParams, split: Split, truth: sp.csr_matrix, *, seed: int) -> Fit:
    """Fit once on train and rank the items for all listeners.

    Args:
        truth: `split.valid` or `split.test`.
    """
    model = build(recipe)
    rng = np.random.default_rng((seed, zlib.crc32(recipe.family.encode())))
    with CostMeter() as fitting:
        model.fit(split.interactions, rng=rng)
    with CostMeter() as listing:
        lists = recommend_all(model, n_listeners=truth.shape[0], k=DEPTH, exclude=split.train)
    judges = np.flatnonzero(np.diff(truth.indptr) > 0)
    n_relevant = np.diff(truth.indptr)[judges].astype(np.int32)
    hits = hit_matrix(lists.items, truth)[judges]
    values = {}
    for name in METRICS:
        metric, k = name.split("_at_")
        values[name] = {"recall": recall, "ndcg": ndcg}[metric](hits[:, : int(k)], n_relevant)
    return Fit(fitting.cost().cpu_seconds, listing.cost().cpu_seconds, values)
