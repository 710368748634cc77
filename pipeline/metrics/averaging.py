"""All metrics of every listener, and their means, as separate steps.

For a listener without relevant items, metrics are NaN. For a listener with relevant items but no list, they are 0.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from pipeline.metrics.listener.registry import listener_metrics

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def values_by_listener(hits: Bools, n_relevant: npt.NDArray[np.int32]) -> dict[str, Floats]:
    """Return every metric's values at k, the length of the lists.

    Args:
        hits: shape (n_users, k).
        n_relevant: shape (n_users,), relevant items, including those beyond the list's length.

    Returns:
        For each metric's name, shape (n_users,); NaN where n_relevant is 0.
    """
    return {metric.name: metric.values(hits, n_relevant) for metric in listener_metrics()}


def average(values: Mapping[str, Floats], k: int, *, among: Bools | None = None) -> dict[str, float]:
    """Return means over listeners with a defined value, by their names for people: `ndcg_at_10`, `map_at_10`, ….

    Args:
        values: from `values_by_listener`.
        k: length of the lists, for the names.
        among: shape (n_users,), the listeners to average over; all by default.

    Returns:
        NaN where no listener has a value.
    """
    means = {}
    for metric in listener_metrics():
        chosen = values[metric.name] if among is None else values[metric.name][among]
        defined = chosen[~np.isnan(chosen)]
        means[metric.key(k)] = float(defined.mean()) if len(defined) else float("nan")
    return means
