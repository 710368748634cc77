"""The gate's inputs, read from the files of earlier stages. A file that cannot be read is a fault."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import pyarrow as pa

from pipeline.errors import NetgainError
from pipeline.features.recommendations import churn_between
from pipeline.gate.candidates import COVERAGE, POPULAR, TOP_SHARE
from pipeline.gate.economics import ContentFigures, night_cost
from pipeline.gate.evidence import EARLIER, SERVED, Arrays, Evidence, Measured, SliceFigures, history_from
from pipeline.gate.faults import few_listeners
from pipeline.gate.groups import N_GROUPS, group_of
from pipeline.gate.pooling import PARTS, Cells
from pipeline.gate.spending import FIRST_NIGHT, History
from pipeline.json_values import Json
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.metrics.registry import all_metrics
from pipeline.online.results import ExperimentResult
from pipeline.recommenders.registry import FAMILIES
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.stages.shown import listening_of
from pipeline.storage.daily_credit import read_daily
from pipeline.storage.evaluation_table import read_listeners, read_metric, read_slices
from pipeline.storage.influence_table import read_influence
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import RECOMMENDATIONS
from pipeline.storage.tables import read_table

Value = TypeVar("Value")


def gather(context: Context) -> Evidence:
    """Return the measurements of all recipes and of the served model.

    What cannot be read of a single recipe is its reason to be left out; what nothing can be decided without is a fault.
    """
    layout, faults, unmeasured = context.layout, list[str](), dict[str, str]()

    def attempt(what: str, read: Callable[[], Value]) -> Value | None:
        try:
            return read()
        except NetgainError as err:
            unmeasured[what] = f"{_spoken(what)} cannot be read: {_told(err.found, layout.root)}"
        except (OSError, KeyError, TypeError, ValueError):
            unmeasured[what] = f"{_spoken(what)} cannot be read: its files lack figures, or are about other listeners"
        return None

    def needed(what: str, read: Callable[[], Value]) -> Value | None:
        found = attempt(what, read)
        if what in unmeasured:
            faults.append(unmeasured.pop(what))
        return found

    recipes = tuple(context.params.recipes)
    served_recipe = needed("night/served/served.json", partial(_served_recipe, layout))
    history = needed("night/history.json", lambda: history_from(read_json(layout.history))) or FIRST_NIGHT
    listeners = needed("the popular list's evaluation", partial(read_listeners, layout.evaluation(POPULAR)))
    if listeners is None or not len(listeners):
        faults += ["no listener can be scored"] if listeners is not None else []
        return Evidence(recipes, {}, served_recipe, None, history, tuple(faults), champion=context.champion)
    if len(listeners) < context.params.gate.min_eligible_listeners:
        # The gate says so. With so few listeners, figures may be undefined, which would be told instead.
        few = few_listeners(len(listeners), context.params.gate)
        return Evidence(recipes, {}, served_recipe, None, history, (few,), champion=context.champion)
    measured: dict[str, Measured] = {}
    for recipe in recipes:
        found = attempt(recipe, partial(read_measured, context, recipe, listeners))
        if found is not None:
            measured[recipe] = found
    served = None if served_recipe is None else attempt(SERVED, partial(read_served, context, listeners))
    return Evidence(
        recipes,
        measured,
        served_recipe,
        served,
        history,
        tuple(faults),
        unmeasured,
        champion=context.champion,
        experiments=needed("night/results.json", partial(read_experiments, layout.results)) or (),
        listening=needed("the recorded impressions", partial(listening_of, context)),
    )


def read_measured(context: Context, recipe: str, listener_ids: pa.ChunkedArray) -> Measured:
    """Return the measurements of tonight's fits of a recipe, on the listeners `listener_ids`.

    Raises:
        TableError: a file is missing or cannot be read.
        KeyError, TypeError, ValueError: a file lacks something, or is about other listeners.
    """
    layout, family = context.layout, context.params.recipes[recipe].family
    read_metric(layout.evaluation(recipe), "ndcg", listener_ids)
    read_daily(layout.daily_credit(recipe), listener_ids, days=decision_days(context))
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
        content=_content(figures),
    )


def read_served(context: Context, listener_ids: pa.ChunkedArray) -> Measured:
    """Return the measurements of the served model, which was fitted in an earlier night and so has no cost here."""
    layout = context.layout
    read_metric(layout.evaluation(SERVED), "ndcg", listener_ids)
    read_daily(layout.daily_credit(SERVED), listener_ids, days=decision_days(context))
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
        content=_content(figures),
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


def decision_days(context: Context) -> list[dt.date]:
    """Return the days of the decision window."""
    return [context.decision_from + dt.timedelta(days=each) for each in range(context.params.split.decision_days)]


def daily_name(recipe: str) -> str:
    """Return the name of a recipe's figures by day among the files of a record."""
    return f"{recipe} by day"


def read_arrays(files: Mapping[str, Path], history: History, days: Sequence[str]) -> Arrays:
    """Return NDCG of every fit and listener of each recipe, in all and by day, the slices, and earlier comparisons.

    Args:
        files: an evaluation table for each recipe, and for SERVED if there is one; beside it, under `daily_name`, its
            figures by day; a table of INFLUENCE for EARLIER.
        history: names the nights of the earlier comparisons.
        days: the decision window, YYYY-MM-DD.

    Raises:
        TableError, ValueError: a file is missing, damaged or about other listeners.
    """
    by_day = {daily_name(name) for name in files}
    measured = {name: path for name, path in files.items() if name != EARLIER and name not in by_day}
    if not measured:
        return Arrays({}, {}, Cells(tuple(days), group_of([]), {}), {})
    first = measured.get(POPULAR) or next(iter(measured.values()))
    listeners = read_listeners(first)
    ndcg = {name: read_metric(path, "ndcg", listeners) for name, path in measured.items()}
    window = [dt.date.fromisoformat(day) for day in days]
    daily = {name: read_daily(files[daily_name(name)], listeners, days=window)[1].toarray().T for name in measured}
    nights = {name: [night.as_of for night in found] for name, found in history.pairs.items()}
    earlier = read_influence(files[EARLIER], nights, PARTS, N_GROUPS)
    return Arrays(ndcg, daily, Cells(tuple(days), group_of(listeners.to_pylist()), read_slices(first)), earlier)


def read_experiments(path: Path) -> tuple[ExperimentResult, ...]:
    """Return what experiments have shown up to the night before; nothing without the file.

    Raises:
        TableError: it is not JSON.
        KeyError, ValueError: it lacks results, or one is of another form.
    """
    if not path.exists():
        return ()
    return tuple(ExperimentResult.model_validate(each) for each in read_json(path)["results"])


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


def _content(figures: Json) -> ContentFigures | None:
    found = figures.get("content")
    return None if found is None else ContentFigures(float(found["unpriced_share"]), float(found["priced"]))


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _served_recipe(layout: Layout) -> str | None:
    served: Json = read_json(layout.served / "served.json")
    return None if served["release"] is None else str(served["recipe"])


def _spoken(what: str) -> str:
    return "the served model" if what == SERVED else what


def _told(found: str, root: Path) -> str:
    # A record that travels must not carry this machine's paths.
    return " ".join(found.split()).replace(f"{root}/", "")[:200]
