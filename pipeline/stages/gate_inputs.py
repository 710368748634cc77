"""What the gate decides on, read from the files of the stages before it. What cannot be read is a fault."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipeline.errors import NetgainError
from pipeline.features.lists import rows_of
from pipeline.features.recommendations import churn_between
from pipeline.gate.candidates import POPULAR
from pipeline.gate.economics import night_cost
from pipeline.gate.evidence import EARLIER, SERVED, Arrays, Evidence, Measured, history_from
from pipeline.gate.spending import FIRST_NIGHT
from pipeline.json_values import as_json
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.metrics.slices import SLICES
from pipeline.recommenders.registry import FAMILIES
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.storage.tables import EVALUATION, INFLUENCE, RECOMMENDATIONS, read_json, read_table

Value = TypeVar("Value")


def gather(context: Context) -> Evidence:
    """What was measured of all recipes and of the served model, with a fault for each that cannot be read."""
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
    first = attempt("the popular list's evaluation", partial(_first_fit, layout.evaluation(POPULAR)))
    if first is None or not first.num_rows:
        faults += ["no listener can be scored"] if first is not None else []
        return Evidence(recipes, {}, served_recipe, None, history, tuple(faults))
    measured: dict[str, Measured] = {}
    for recipe in recipes:
        found = attempt(recipe, partial(read_measured, context, recipe, first["listener_id"]))
        if found is not None:
            measured[recipe] = found
    served = None
    if served_recipe in measured:
        served = attempt("the served model", partial(read_served, context, first["listener_id"]))
    return Evidence(recipes, measured, served_recipe, served, history, tuple(faults))


def read_measured(context: Context, recipe: str, listener_ids: pa.ChunkedArray) -> Measured:
    """What was measured of a recipe's fits of tonight, on the listeners `listener_ids`.

    Raises:
        TableError: a file is missing or is none.
        KeyError, TypeError, ValueError: a file lacks something, or tells of other listeners.
    """
    layout, family = context.layout, context.params.recipes[recipe].family
    read_ndcg(layout.evaluation(recipe), listener_ids)
    fits = [Cost.from_dict(raw) for raw in read_json(layout.fit_cost(recipe))["fits"]]
    scorings = [Cost.from_dict(raw) for raw in read_json(layout.score_cost(recipe))["scorings"]]
    metrics = read_json(layout.metrics(recipe))
    between_fits = metrics["churn_between_fits"]
    shown = {"fit": mean_cost(fits).to_dict(), "scoring": mean_cost(scorings).to_dict()}
    return Measured(
        family=family,
        stochastic=FAMILIES[family].stochastic,
        churn_between_fits=math.nan if between_fits is None else float(between_fits),
        churn_since_served=churn_since_served(layout, recipe),
        night=night_cost(fits, scorings),
        qualities=as_json(shown | _qualities(metrics, context.params.evaluation.k)),
        **_catalogue(metrics),
    )


def read_served(context: Context, listener_ids: pa.ChunkedArray) -> Measured:
    """What was measured of the served model, a fit that was paid for in another night."""
    layout = context.layout
    read_ndcg(layout.evaluation(SERVED), listener_ids)
    metrics = read_json(layout.metrics(SERVED))
    family = str(metrics["family"])
    return Measured(
        family=family,
        stochastic=FAMILIES[family].stochastic,
        churn_between_fits=0.0,
        churn_since_served=0.0,
        night=None,
        **_catalogue(metrics),
    )


def churn_since_served(layout: Layout, recipe: str) -> float | None:
    """Of the recipe's lists of tonight; None where nothing is served, or to none of tonight's listeners."""
    served = read_table(layout.recommendations(SERVED), RECOMMENDATIONS)
    found = (
        churn_between(served, read_table(layout.recommendations(recipe), RECOMMENDATIONS))
        if served.num_rows
        else math.nan
    )
    return None if math.isnan(found) else found


def read_arrays(files: dict[str, Path]) -> Arrays:
    """NDCG of every fit and listener of each recipe, the slices, and what earlier looks left.

    Args:
        files: a table of EVALUATION for each recipe, and for SERVED where there is one; of INFLUENCE for EARLIER.

    Raises:
        TableError, ValueError: see `read_ndcg`.
    """
    measured = {name: path for name, path in files.items() if name != EARLIER}
    if not measured:
        return Arrays({}, {}, {})
    first = _first_fit(measured.get(POPULAR) or next(iter(measured.values())))
    ndcg = {name: read_ndcg(path, first["listener_id"]) for name, path in measured.items()}
    slices = {name: first[f"slice_{name}"].to_numpy() for name in SLICES}
    return Arrays(ndcg, slices, read_influence(files[EARLIER], first["listener_id"]))


def read_influence(path: Path, listener_ids: pa.ChunkedArray) -> dict[str, npt.NDArray[np.float64]]:
    """For each challenger, its listeners' influence, those of `listener_ids` first and in their order.

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


def read_ndcg(path: Path, listener_ids: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """NDCG of every fit and listener, float64 of shape (n_fits, n_listeners).

    Raises:
        TableError: the file is missing or has other columns.
        ValueError: it has no fits, or its listeners are not `listener_ids` in each of them.
    """
    table = read_table(path, EVALUATION)
    n = len(listener_ids)
    if not n or not table.num_rows or table.num_rows % n:
        raise ValueError(f"{table.num_rows} rows for {n} listeners")
    n_fits = table.num_rows // n
    seeds = np.repeat(np.arange(n_fits, dtype=np.int32), n)
    wanted = pa.chunked_array(listener_ids.chunks * n_fits, pa.string())
    if not np.array_equal(table["seed"].to_numpy(), seeds) or not table["listener_id"].equals(wanted):
        raise ValueError("other listeners than the popular list's")
    values: npt.NDArray[np.float64] = table["ndcg"].to_numpy().reshape(n_fits, n)
    return values


def _first_fit(path: Path) -> pa.Table:
    table = read_table(path, EVALUATION)
    return table.filter(pa.array(table["seed"].to_numpy() == 0))


def _catalogue(metrics: dict[str, Any]) -> dict[str, Any]:
    return {
        "coverage": float(metrics["catalogue_coverage"]),
        "top_share": float(metrics["top_1_percent_share"]),
        "n_invalid_lists": int(metrics["invalid_lists"]),
    }


def _qualities(metrics: dict[str, Any], k: int) -> dict[str, Any]:
    """Accuracy beside NDCG, and by slice; null where a metrics file does not have it."""
    ndcg = f"ndcg_at_{k}"
    slices = metrics.get("slices", {})
    return {
        "accuracy": {name: metrics.get(f"{name}_at_{k}") for name in ("ndcg", "recall", "precision", "hit_rate")},
        "novelty": metrics.get("novelty"),
        "gini": metrics.get("gini"),
        "slices": {name: {"n": each["n"], "ndcg": each.get(ndcg)} for name, each in slices.items()},
    }


def _served_recipe(layout: Layout) -> str | None:
    served: dict[str, Any] = read_json(layout.served / "served.json")
    return None if served["release"] is None else str(served["recipe"])


def _reason(err: Exception, root: Path) -> str:
    # A record that travels must not carry this machine's paths.
    text = " ".join((err.found if isinstance(err, NetgainError) else f"{type(err).__name__} {err}").split())
    return text.replace(f"{root}/", "")[:200]
