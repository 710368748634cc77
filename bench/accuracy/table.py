"""The accuracy of every recipe with its intervals, beside the published figures."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bench.accuracy.measure import METRICS, Fit
from pipeline.gate.comparison import DETERMINISTIC, Comparison, compare, seed_variance
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES

PUBLISHED: Mapping[str, Mapping[str, float | None]] = {
    name: dict(zip(METRICS, figures, strict=True))
    for name, figures in {
        "BPR-MF": (0.1361, 0.1532, None, 0.2784, 0.2235),
        "NGCF": (0.1562, 0.1769, None, 0.3218, 0.2586),
        "LightGCN": (0.1741, 0.1996, 0.2427, 0.3481, 0.2854),
        "SimGCL": (0.1795, 0.2049, None, 0.3547, 0.2914),
        "LightGCN++": (0.1889, 0.2171, 0.2624, 0.3745, 0.3083),
        "XSimGCL++": (0.1893, 0.2173, None, 0.3758, 0.3094),
    }.items()
}
"""In the order of METRICS; None if not published."""

SOURCE = "Lee, Kim & Shin, “Revisiting LightGCN” (RecSys 2024), supplementary document, tables 7, 9 and 10"


def row(
    name: str, recipe: FamilyParams, fits: Sequence[Fit], best: Sequence[Fit], best_recipe: FamilyParams
) -> dict[str, Any]:
    """A recipe's means over fits and listeners, each with a 95 % interval, and what it is short of the best by.

    The intervals are over listeners and seeds. Those of `behind` are paired: both were asked about the same listeners.
    """
    found: dict[str, Any] = {
        "recipe": recipe.model_dump(mode="json"),
        "n_fits": len(fits),
        "n_listeners": len(fits[0].values[METRICS[0]]),
        "fit_cpu_seconds": float(np.mean([fit.fit_cpu_seconds for fit in fits])),
        "list_cpu_seconds": float(np.mean([fit.list_cpu_seconds for fit in fits])),
        "metrics": {}, "behind": {},
    }  # fmt: skip
    for metric in METRICS:
        own, others = _values(fits, metric), _values(best, metric)
        alone = _compare(recipe, own, None, np.zeros((1, own.shape[1])))
        found["metrics"][metric] = {"mean": alone.delta, "interval": alone.interval(), "fits": own.mean(1).tolist()}
        if fits is not best:
            behind = _compare(best_recipe, others, recipe, own)
            found["behind"][metric] = {"mean": behind.delta, "interval": behind.interval()}
    return {"name": name, **found}


def _values(fits: Sequence[Fit], metric: str) -> np.ndarray:
    return np.stack([fit.values[metric] for fit in fits])


def _compare(recipe: FamilyParams, values: np.ndarray, other: FamilyParams | None, others: np.ndarray) -> Comparison:
    deterministic = {id(each): each is None or not FAMILIES[each.family].stochastic for each in (recipe, other)}
    return compare(
        values,
        others,
        challenger_seeds=seed_variance(values, deterministic=deterministic[id(recipe)]),
        champion_seeds=DETERMINISTIC
        if other is None
        else seed_variance(others, deterministic=deterministic[id(other)]),
    )
