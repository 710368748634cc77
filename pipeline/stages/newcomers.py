"""How well a recipe serves newcomers who name a few items, beside the fallback list; part of the stage `evaluate`.

Newcomers of the past stand in for those to come: each listener of the slice `new` names the three items that he or she
played most before the decision window, and is folded in by these alone, as the server does it.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.features.interactions import load_interactions
from pipeline.features.lists import rows_of
from pipeline.features.newcomers import NAMED_ITEMS, lists_of_newcomers
from pipeline.features.reasons import favourites
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.listener.ndcg import ndcg
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.protocol import folds_in
from pipeline.recommenders.storage import load_recommender
from pipeline.stages.context import Context
from pipeline.stages.scoring import Decided
from pipeline.storage.schemas import ITEM_MAP, LISTENER_MAP
from pipeline.storage.tables import read_table

MOST = 2_000
"""Listeners who are folded in: enough for an interval, and a second of work."""
_Z = 1.96
_POPULAR_DAYS = 14
"""Days in which the fallback list counts listeners [d], as by params.yaml; the stage of one recipe reads no other's."""
_MOST_POPULAR = 2_000


def newcomers_report(context: Context, model: Path, decided: Decided) -> dict[str, Any] | None:
    """Measure the lists of newcomers on the decision window.

    Args:
        context: the night.
        model: a fitted model's folder.
        decided: what was played.

    Returns:
        `n` listeners; `ndcg_at_K` of their lists and `fallback_ndcg_at_K` of the popular list without what they named;
        the mean difference `gain` and its 95 % interval `low` to `high`, None with fewer than two listeners. None if
        the family cannot fold in.
    """
    fitted, k = load_recommender(model), context.params.evaluation.k
    if not folds_in(fitted):
        return None
    train = context.layout.train
    interactions = load_interactions(train)
    rows = rows_of(decided.listener_ids, read_table(train / "listeners.parquet", LISTENER_MAP)["listener_id"])
    judges = np.flatnonzero(decided.truth.slices["new"] & (rows >= 0))
    judges = judges[:: -(-len(judges) // MOST) or 1]
    if not len(judges):
        return {"n": 0, "gain": None, "low": None, "high": None}
    played = favourites(interactions.weights[rows[judges]], n=NAMED_ITEMS)
    # Items of the training window come first in the vocabulary, in the order of the model's own map.
    n_items = read_table(model / "items.parquet", ITEM_MAP).num_rows
    named = np.split(played.indices, played.indptr[1:-1])
    lists = lists_of_newcomers(fitted, named, n_items=n_items, k=k).items
    popular = _popular(interactions)
    common = np.array([[item for item in popular if item not in set(own)][:k] for own in map(list, named)])
    relevant, n_relevant = decided.truth.relevant[judges], decided.truth.n_relevant[judges]
    own, fallback = (ndcg(hit_matrix(_padded(each, k), relevant), n_relevant) for each in (lists, common))
    gain = own - fallback
    error = float(gain.std(ddof=1)) / math.sqrt(len(gain)) if len(gain) > 1 else None
    mean = float(gain.mean())
    return {
        "n": len(judges),
        f"ndcg_at_{k}": float(own.mean()),
        f"fallback_ndcg_at_{k}": float(fallback.mean()),
        "gain": mean,
        "low": None if error is None else mean - _Z * error,
        "high": None if error is None else mean + _Z * error,
    }


def newcomers_clause(report: dict[str, Any] | None, k: int) -> str:
    """Return a clause on newcomers for a line; empty if there is nothing to tell."""
    if report is None or report["low"] is None:
        return ""
    found = f"{report[f'ndcg_at_{k}']:.4f}, {report['gain']:+.4f} ({report['low']:+.4f} to {report['high']:+.4f})"
    return f"; newcomers who name {NAMED_ITEMS} items: {found} over the fallback list"


def _popular(interactions: Interactions) -> list[int]:
    """Return the items by their listeners in the last days, then by weight: the order of the fallback list."""
    recent = interactions.age_days < _POPULAR_DAYS
    n = interactions.n_items
    listeners = np.bincount(interactions.weights.indices[recent], minlength=n)
    plays = np.bincount(interactions.weights.indices, weights=interactions.weights.data, minlength=n)
    order: list[int] = np.lexsort((np.arange(n), -plays, -listeners)).tolist()
    return order[:_MOST_POPULAR]


def _padded(items: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.int32]:
    padded = np.full((len(items), k), -1, dtype=np.int32)
    padded[:, : items.shape[1]] = items
    return padded
