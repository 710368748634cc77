"""What the gate decides on, read from the files of the stages before it. What cannot be read is a fault."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipeline.core.candidates import POPULAR, Candidate, Tonight
from pipeline.core.comparison import fit_variance
from pipeline.core.cost import Cost
from pipeline.core.economics import NightCost, night_cost
from pipeline.core.slices import SLICES
from pipeline.errors import NetgainError
from pipeline.io.tables import EVALUATION, read_json, read_table
from pipeline.recommenders.registry import FAMILIES
from pipeline.stages.context import Context
from pipeline.stages.evaluate_served import NAME as SERVED
from pipeline.stages.layout import Layout

Value = TypeVar("Value")


def read_tonight(context: Context) -> Tonight:
    """All candidates, the served model and the slices, with a fault for each that cannot be read."""
    layout, faults = context.layout, list[str]()

    def attempt(what: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except (NetgainError, OSError, KeyError, TypeError, ValueError) as err:
            faults.append(f"{what} cannot be read: {_reason(err, layout.root)}")
            return None

    recipes = tuple(context.params.recipes)
    served_recipe = attempt("night/served/served.json", partial(_served_recipe, layout))
    first = attempt("the popular list's evaluation", partial(_first_fit, layout, POPULAR))
    if first is None or not first.num_rows:
        faults += ["no listener can be scored"] if first is not None else []
        return Tonight(recipes, {}, {}, served_recipe, None, tuple(faults))
    listener_ids = first["listener_id"]
    candidates: dict[str, Candidate] = {}
    for recipe in recipes:
        found = attempt(recipe, partial(read_candidate, context, recipe, listener_ids))
        if found is not None:
            candidates[recipe] = found
    served = None
    if served_recipe is not None and served_recipe in candidates:
        served = attempt("the served model", partial(read_served, layout, candidates[served_recipe], listener_ids))
    slices = {name: first[f"slice_{name}"].to_numpy() for name in SLICES}
    return Tonight(recipes, candidates, slices, served_recipe, served, tuple(faults))


def read_candidate(context: Context, recipe: str, listener_ids: pa.ChunkedArray) -> Candidate:
    """A recipe's fits of tonight, on the listeners `listener_ids`.

    Raises:
        TableError: a file is missing or is none.
        KeyError, TypeError, ValueError: a file lacks something, or tells of other listeners.
    """
    layout = context.layout
    family = context.params.recipes[recipe].family
    ndcg = read_ndcg(layout.evaluation(recipe), listener_ids)
    metrics = read_json(layout.metrics(recipe))
    return Candidate(
        recipe=recipe,
        family=family,
        ndcg=ndcg,
        fit_variance=fit_variance(ndcg, deterministic=not FAMILIES[family].stochastic),
        coverage=float(metrics["catalogue_coverage"]),
        top_share=float(metrics["top_1_percent_share"]),
        n_invalid_lists=int(metrics["invalid_lists"]),
        night=_night(layout, recipe),
    )


def read_served(layout: Layout, champion: Candidate, listener_ids: pa.ChunkedArray) -> Candidate:
    """The served model: one fit of the champion's recipe, made a night or more ago.

    How its luck varies is taken from tonight's fits of the same recipe: one fit cannot tell.
    """
    metrics = read_json(layout.metrics(SERVED))
    return Candidate(
        recipe=champion.recipe,
        family=champion.family,
        ndcg=read_ndcg(layout.evaluation(SERVED), listener_ids),
        fit_variance=champion.fit_variance,
        coverage=float(metrics["catalogue_coverage"]),
        top_share=float(metrics["top_1_percent_share"]),
        n_invalid_lists=int(metrics["invalid_lists"]),
        night=None,
    )


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


def _first_fit(layout: Layout, recipe: str) -> pa.Table:
    table = read_table(layout.evaluation(recipe), EVALUATION)
    return table.filter(pa.array(table["seed"].to_numpy() == 0))


def _night(layout: Layout, recipe: str) -> NightCost:
    fits = [Cost.from_dict(raw) for raw in read_json(layout.fit_cost(recipe))["fits"]]
    scorings = [Cost.from_dict(raw) for raw in read_json(layout.score_cost(recipe))["scorings"]]
    return night_cost(fits, scorings)


def _served_recipe(layout: Layout) -> str | None:
    served: dict[str, Any] = read_json(layout.served / "served.json")
    return None if served["release"] is None else str(served["recipe"])


def _reason(err: Exception, root: Path) -> str:
    # A record that travels must not carry this machine's paths.
    text = " ".join((err.found if isinstance(err, NetgainError) else f"{type(err).__name__} {err}").split())
    return text.replace(f"{root}/", "")[:200]
