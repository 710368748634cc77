"""Stage experiments: estimate each experiment up to the night, and say which ones go on."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl

from pipeline.configuration import FALLBACK_RECIPE
from pipeline.errors import NetgainError
from pipeline.logs.landing import read_landing
from pipeline.online.assignment import withheld_pairs
from pipeline.online.effects import Effect, ratio_effect
from pipeline.online.estimating import estimate
from pipeline.online.results import ExperimentResult, Pairs
from pipeline.online.running import HELD, TREATMENT, Running
from pipeline.online.withholding import PlayedPairs, compare_pairs, discount
from pipeline.serving.recorded import recorded
from pipeline.stages.context import Context
from pipeline.stages.definitions import definition_of
from pipeline.stages.observing import WEEKS_BEFORE, Tables, observe
from pipeline.stages.spec import AS_OF, DATA, RECIPE, StageSpec
from pipeline.storage.daily_credit import read_daily
from pipeline.storage.evaluation_table import read_listeners
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import DAILY, LISTENER_MAP, PLAYS, RECOMMENDATIONS, RELEVANT
from pipeline.storage.tables import read_columns, read_table

STAGE = StageSpec(
    desc="Estimate the experiments with listeners, and say which go on",
    deps=(
        DATA.opened_experiments,
        DATA.landing,
        DATA.served,
        DATA.daily,
        DATA.plays,
        DATA.window,
        DATA.relevant,
        DATA.decision,
        *(each(RECIPE).parent for each in (DATA.evaluation, DATA.recommendations)),
    ),
    params=("interactions.item", "split.decision_days", "recipes", AS_OF),
    outs=(DATA.experiments,),
)


def run(context: Context) -> str:
    """Write the estimates; without experiments nothing else is read."""
    layout = context.layout
    opened = [Running.model_validate(each) for each in read_json(layout.opened_experiments)["experiments"]]
    serve = read_json(layout.decision)["serve"] if opened else {}
    running = [_with_control(context, each, serve) for each in opened]
    results = _estimates(context, running) if running else []
    write_json(
        layout.experiments,
        {
            "running": [each.model_dump(mode="json") for each in running],
            "results": [each.model_dump(mode="json") for each in results],
        },
    )
    return "; ".join(f"{each.id}: {each.state}" for each in results) or "no experiments"


def _with_control(context: Context, running: Running, serve: dict[str, str]) -> Running:
    """Return an experiment with what it is compared with; tonight ends it if that is another one than at its start."""
    name = serve["recipe"]
    recipe = context.params.recipes.get(name)
    if serve["source"] == "served" or recipe is None:
        definition = str(read_json(context.layout.served / "served.json").get("definition"))
    else:
        definition = definition_of(recipe)
    if running.control_definition is None:
        return running.model_copy(update={"control_recipe": name, "control_definition": definition})
    if running.closing or running.control_definition == definition or running.design in {"holdback", "withhold"}:
        return running
    return running.model_copy(update={"closing": f"the night serves {name} now, not {running.control_recipe}"})


def _estimates(context: Context, running: Sequence[Running]) -> list[ExperimentResult]:
    tables = _tables(context, since=min(each.opened for each in running))
    found = []
    for each in running:
        challenger, served = each.declared.recipe, str(each.control_recipe)
        recipes = dict.fromkeys(each.arms, served) | {HELD: FALLBACK_RECIPE}
        pairs: tuple[Pairs, ...] = ()
        gain = None
        if challenger is not None:
            recipes[TREATMENT] = challenger
            gain = _gain(context, challenger, served)
        elif each.design == "holdback":
            gain = _gain(context, FALLBACK_RECIPE, served)
        elif each.opened <= context.decision_from:
            pairs = _pairs(context, each, served)
        found.append(
            estimate(each, observe(each, tables, as_of=context.as_of), recipes=recipes, gain=gain, pairs=pairs)
        )
    return found


def _tables(context: Context, *, since: dt.date) -> Tables:
    layout, item = context.layout, context.params.interactions.item
    landing = read_landing(layout.landing, workspace=layout.root)
    events = recorded(landing, since=since, until=context.as_of)
    start = since - dt.timedelta(days=WEEKS_BEFORE)
    daily = pl.DataFrame(read_table(layout.daily, DAILY)).filter(pl.col("day") >= start)
    columns = ["listener_id", "played_at", f"{item}_id"]
    days = [day for day in sorted(layout.plays.glob("day=*")) if day.name >= f"day={since}"]
    none = pl.DataFrame(PLAYS.empty_table().select(columns))
    plays = pl.concat([none, *(read_columns(day, columns) for day in days)]).rename({f"{item}_id": "item_id"})
    return Tables(
        daily=daily,
        impressions=events.impressions,
        named=events.plays.select("impression_id", "listener_id", "at", item_id=f"{item}_id"),
        plays=plays,
        listeners=read_table(layout.window / "listeners.parquet", LISTENER_MAP)["listener_id"].to_pylist(),
    )


def _gain(context: Context, treatment: str, control: str) -> Effect | None:
    """Return the offline gain of one recipe over another on the decision window; None if it was not measured."""
    layout = context.layout
    days = [context.decision_from + dt.timedelta(days=n) for n in range(context.params.split.decision_days)]
    try:
        listeners = read_listeners(layout.evaluation(control))
        ours, theirs = (
            read_daily(layout.daily_credit(name), listeners, days=days)[1].toarray() for name in (treatment, control)
        )
    except (NetgainError, ValueError):
        return None
    return ratio_effect(ours - theirs, theirs)


def _pairs(context: Context, running: Running, served: str) -> tuple[Pairs, ...]:
    """Return each recipe against the served one on withheld pairs, and on all pairs of the same listeners."""
    layout = context.layout
    relevant = pl.DataFrame(read_table(layout.relevant, RELEVANT))
    taking_part = [n for n in relevant["listener_id"].unique().sort() if running.arm(n) == next(iter(running.arms))]
    played = relevant.filter(pl.col("listener_id").is_in(taking_part)).sort("listener_id", "item_id")
    items = played["item_id"].unique().sort().to_list()
    places = [{name: n for n, name in enumerate(names)} for names in (taking_part, items)]
    at = np.array(
        [[places[0][n] for n in played["listener_id"]], [places[1][n] for n in played["item_id"]]], dtype=np.int64
    )
    held = withheld_pairs(running.salt, running.id, taking_part, items, at, q=running.declared.withheld)
    day = np.array([(d - context.decision_from).days for d in played["first_day"]], dtype=np.int64)
    found = []
    for name in context.params.recipes:
        try:
            control, treatment = (_discounts(context, each, played) for each in (served, name))
        except NetgainError:
            continue
        pairs = PlayedPairs(at[0], day, control, treatment, held)
        compared = compare_pairs(pairs, n_listeners=len(taking_part), n_days=context.params.split.decision_days)
        if name != served:
            free, raw = compared.withheld, compared.raw
            found.append(
                Pairs(
                    recipe=name,
                    withheld=None if free is None else free.value,
                    withheld_se=None if free is None else free.se,
                    raw=None if raw is None else raw.value,
                    raw_se=None if raw is None else raw.se,
                    n_withheld=compared.n_withheld,
                )
            )
    return tuple(found)


def _discounts(context: Context, recipe: str, played: pl.DataFrame) -> np.ndarray:
    """Return the discount of each played pair on a recipe's evaluated lists; 0 for those that are not listed."""
    table = pl.DataFrame(read_table(context.layout.recommendations(recipe), RECOMMENDATIONS))
    ranks = (
        table.with_columns(rank=pl.int_ranges(1, pl.col("item_ids").list.len() + 1))
        .explode("item_ids", "rank")
        .select("listener_id", pl.col("item_ids").alias("item_id"), pl.col("rank").cast(pl.Float64))
    )
    joined = played.join(ranks, on=["listener_id", "item_id"], how="left", maintain_order="left")
    return discount(joined["rank"].fill_null(float("nan")).to_numpy())
