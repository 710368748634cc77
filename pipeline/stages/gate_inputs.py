"""The gate's inputs, read from the files of earlier stages. A file that cannot be read is a fault."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import NetgainError
from pipeline.features.lists import rows_of
from pipeline.features.recommendations import churn_between
from pipeline.gate.candidates import COVERAGE, POPULAR, TOP_SHARE
from pipeline.gate.economics import night_cost
from pipeline.gate.evidence import EARLIER, SERVED, Arrays, Evidence, Measured, SliceFigures, history_from
from pipeline.gate.spending import FIRST_NIGHT
from pipeline.json_values import Json
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.metrics.registry import all_metrics
from pipeline.recommenders.registry import FAMILIES
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.storage.evaluation_table import read_listeners, read_metric, read_slices
from pipeline.storage.tables import INFLUENCE, RECOMMENDATIONS, read_json, read_table

Value = TypeVar("Value")


def gather(context: Context) -> Evidence:
    """Return the measurements of all recipes and of the served model; what cannot be read becomes a fault."""
    layout, faults = context.layout, list[str]()

    def attempt(what: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except (NetgainError, OSError, KeyError, TypeError, ValueError) as err:
            faults.append(f"{what} cannot be read: {_reason(err, layout.root)}")
            return None

    recipes = tuple(context.params.recipes)
    served_recipe = attempt("night/served/served.json", partial(_served_recipe, layout))
    history = attempt("night/history.json", lambda: history_from(read_json(layout.history))) or FIRST_NIGHT
    listeners = attempt("the popular list's evaluation", partial(read_listeners, layout.evaluation(POPULAR)))
    if listeners is None or not len(listeners):
        faults += ["no listener can be scored"] if listeners is not None else []
        return Evidence(recipes, {}, served_recipe, None, history, tuple(faults))
    measured: dict[str, Measured] = {}
    for recipe in recipes:
        found = attempt(recipe, partial(read_measured, context, recipe, listeners))
        if found is not None:
            measured[recipe] = found
    served = None
    if served_recipe in measured:
        served = attempt("the served model", partial(read_served, context, listeners))
    return Evidence(recipes, measured, served_recipe, served, history, tuple(faults))


def read_measured(context: Context, recipe: str, listener_ids: pa.ChunkedArray) -> Measured:
    """Return the measurements of tonight's fits of a recipe, on the listeners `listener_ids`.

    Raises:
        TableError: a file is missing or cannot be read.
        KeyError, TypeError, ValueError: a file lacks something, or is about other listeners.
    """
    layout, family = context.layout, context.params.recipes[recipe].family
    read_metric(layout.evaluation(recipe), "ndcg", listener_ids)
    fits = [Cost.from_dict(raw) for raw in read_json(layout.fit_cost(recipe))["fits"]]
    scorings = [Cost.from_dict(raw) for raw in read_json(layout.score_cost(recipe))["scorings"]]
    figures, k = read_json(layout.metrics(recipe)), context.params.evaluation.k
    return Measured(
        family=family,
        stochastic=FAMILIES[family].stochastic,
        metrics=_needed(_metrics(figures, k)),
        n_invalid_lists=int(figures["invalid_lists"]),
        churn_between_fits=_or_nan(figures["churn_between_fits"]),
        churn_since_served=churn_since_served(layout, recipe),
        night=night_cost(fits, scorings),
        fit=mean_cost(fits),
        scoring=mean_cost(scorings),
        slices=_slices(figures, k),
    )


def read_served(context: Context, listener_ids: pa.ChunkedArray) -> Measured:
    """Return the measurements of the served model, which was fitted in an earlier night and so has no cost here."""
    layout = context.layout
    read_metric(layout.evaluation(SERVED), "ndcg", listener_ids)
    figures, k = read_json(layout.metrics(SERVED)), context.params.evaluation.k
    family = str(figures["family"])
    return Measured(
        family=family,
        stochastic=FAMILIES[family].stochastic,
        metrics=_needed(_metrics(figures, k)),
        n_invalid_lists=int(figures["invalid_lists"]),
        churn_between_fits=0.0,
        churn_since_served=0.0,
        night=None,
        slices=_slices(figures, k),
    )


def churn_since_served(layout: Layout, recipe: str) -> float | None:
    """Return the mean share of a served list [0, 1] that tonight's lists of the recipe would replace.

    None if there are no served lists of tonight's listeners.
    """
    served = read_table(layout.recommendations(SERVED), RECOMMENDATIONS)
    found = (
        churn_between(served, read_table(layout.recommendations(recipe), RECOMMENDATIONS))
        if served.num_rows
        else math.nan
    )
    return None if math.isnan(found) else found


def read_arrays(files: dict[str, Path]) -> Arrays:
    """Return NDCG of every fit and listener of each recipe, the slices, and the sums of earlier comparisons.

    Args:
        files: an evaluation table for each recipe, and for SERVED if there is one; a table of INFLUENCE for EARLIER.

    Raises:
        TableError, ValueError: see `read_metric`.
    """
    measured = {name: path for name, path in files.items() if name != EARLIER}
    if not measured:
        return Arrays({}, {}, {})
    first = measured.get(POPULAR) or next(iter(measured.values()))
    listeners = read_listeners(first)
    ndcg = {name: read_metric(path, "ndcg", listeners) for name, path in measured.items()}
    return Arrays(ndcg, read_slices(first), read_influence(files[EARLIER], listeners))


def read_influence(path: Path, listener_ids: pa.ChunkedArray) -> dict[str, npt.NDArray[np.float64]]:
    """Return, for each challenger, the influence of its listeners: `listener_ids` first, in their order, then others.

    Raises:
        TableError: the file is missing or has other columns.
    """
    table = read_table(path, INFLUENCE)
    found = {}
    for name in table["challenger"].unique().to_pylist():
        mine = table.filter(pc.equal(table["challenger"], name))
        rows = rows_of(mine["listener_id"], listener_ids)
        values = mine["influence"].to_numpy()
        tonights = np.zeros(len(listener_ids))
        tonights[rows[rows >= 0]] = values[rows >= 0]
        found[name] = np.concatenate([tonights, values[rows < 0]])
    return found


def _metrics(figures: Json, k: int) -> dict[str, float]:
    """Return every metric of the registry from data/metrics/RECIPE.json, NaN where it is null or missing."""
    return {metric.record_name: _or_nan(figures.get(metric.key(k))) for metric in all_metrics()}


def _needed(metrics: dict[str, float]) -> dict[str, float]:
    """Return the metrics after checking those that a decision requires.

    A model that lists nothing for anyone gives no recommendation to the top items either.

    Raises:
        ValueError: a required metric is undefined or missing.
    """
    if metrics[COVERAGE] == 0 and math.isnan(metrics[TOP_SHARE]):
        metrics = {**metrics, TOP_SHARE: 0.0}
    for name in (COVERAGE, TOP_SHARE):
        if math.isnan(metrics[name]):
            raise ValueError(f"{name} is missing")
    return metrics


def _slices(figures: Json, k: int) -> dict[str, SliceFigures]:
    found = figures.get("slices", {})
    return {name: SliceFigures(each["n"], _or_nan(each.get(f"ndcg_at_{k}"))) for name, each in found.items()}


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _served_recipe(layout: Layout) -> str | None:
    served: Json = read_json(layout.served / "served.json")
    return None if served["release"] is None else str(served["recipe"])


def _reason(err: Exception, root: Path) -> str:
    # A record that travels must not carry this machine's paths.
    text = " ".join((err.found if isinstance(err, NetgainError) else f"{type(err).__name__} {err}").split())
    return text.replace(f"{root}/", "")[:200]
