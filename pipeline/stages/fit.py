"""Stage fit: fit one recipe on the training window, once per seed."""

import datetime as dt
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.errors import RecipeError
from pipeline.features.interactions import load_interactions
from pipeline.features.model_folder import save_model
from pipeline.features.royalties import filled_royalties
from pipeline.features.tuning import load_tuning
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.recommenders.storage import stored_bytes
from pipeline.runtime.executor import Executor, Result
from pipeline.runtime.meter import CostMeter
from pipeline.stages.context import Context
from pipeline.stages.spec import AS_OF, DATA, MEMBERS, RECIPE, StageSpec
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import ITEM_MAP
from pipeline.storage.tables import read_table

STAGE = StageSpec(
    desc="Fit a recipe on the training window, once for each seed",
    deps=(DATA.train, DATA.tuning, DATA.royalties),
    params=("seed", f"recipes.{RECIPE}", MEMBERS, AS_OF, "split.target", "gate.seeds"),
    outs=(DATA.model(RECIPE), DATA.fit_cost(RECIPE)),
    per_recipe=True,
)


@dataclass(frozen=True)
class FitTask:
    """One fit.

    Attributes:
        source: folder with interactions and id maps.
        model: folder to write the model and the id maps to.
        recipe: family and hyperparameters.
        entropy: seed of the random generator.
        extra_pids: ids of processes outside the fitting process's tree that work for it.
        tuning: folder of the tuning window; None if the family does not tune.
        only_new: whether lists exclude items that a listener has heard; for tuning.
        royalties: the table of royalties; None if the family does not read it.
    """

    source: Path
    model: Path
    recipe: FamilyParams
    entropy: tuple[int, ...]
    extra_pids: tuple[int, ...] = ()
    tuning: Path | None = None
    only_new: bool = True
    royalties: Path | None = None


def run(context: Context, recipe_name: str) -> str:
    """Fit a recipe of params.yaml.

    Raises:
        RecipeError: params.yaml has no recipe of that name, or it cannot be fitted.
    """
    from pipeline.runtime.choose import executor_for
    from pipeline.runtime.spark_session import jvm_pids

    session = drives_session(recipe_named(context, recipe_name))
    with executor_for("fits", context.settings, session=session) as executor:
        return fit(context, recipe_name, executor, extra_pids=jvm_pids(context.settings))


def fit(context: Context, recipe_name: str, executor: Executor, *, extra_pids: tuple[int, ...] = ()) -> str:
    """Do the work of `run` on a given executor; return the stage's line."""
    recipe = recipe_named(context, recipe_name)
    n_fits = context.params.gate.seeds if FAMILIES[recipe.family].stochastic else 1
    tasks = [
        fit_task(
            context,
            recipe_name,
            source=context.layout.train,
            model=context.layout.model(recipe_name) / f"seed-{seed}",
            index=seed,
            extra_pids=extra_pids,
        )
        for seed in range(n_fits)
    ]
    costs = fit_models(tasks, executor)
    write_json(
        context.layout.fit_cost(recipe_name),
        {
            "recipe": recipe_name,
            "family": recipe.family,
            "fits": [cost.to_dict() | {"seed": seed} for seed, cost in enumerate(costs)],
        },
    )
    return f"{recipe_name}: {n_fits} {'fit' if n_fits == 1 else 'fits'}, each {describe(mean_cost(costs))}"


def fit_task(
    context: Context, recipe_name: str, *, source: Path, model: Path, index: int, extra_pids: tuple[int, ...]
) -> FitTask:
    """Return the task of fit number `index` of a recipe. Tuning always uses the tuning window, whatever `source` is.

    Raises:
        RecipeError: params.yaml has no recipe of that name.
    """
    recipe = recipe_named(context, recipe_name)
    return FitTask(
        source=source,
        model=model,
        recipe=recipe,
        entropy=entropy(context.params.seed, recipe_name, index, night=context.as_of),
        extra_pids=extra_pids,
        tuning=context.layout.tuning if FAMILIES[recipe.family].needs_tuning else None,
        only_new=context.params.split.target == "new",
        royalties=context.layout.royalties if FAMILIES[recipe.family].needs_royalties else None,
    )


def fit_models(tasks: Sequence[FitTask], executor: Executor) -> list[Cost]:
    """Fit all tasks and return their costs, in task order.

    Families that use the Spark session themselves are fitted in this process, the others by the executor.
    """
    sent = [task for task in tasks if not drives_session(task.recipe)]
    done = dict(zip(sent, executor.map(fit_kernel, sent), strict=True))
    results = [done[task] if task in done else fit_kernel(task) for task in tasks]
    return [Cost.from_dict(result) for result in results]


def drives_session(recipe: FamilyParams) -> bool:
    """Return whether a recipe is fitted by Spark ML, which needs an active session even with the in-process engine."""
    return not FAMILIES[recipe.family].runs_in_task


def fit_kernel(task: FitTask) -> Result:
    """Fit and save one model; return the cost of the fit as a dict, without reading, start-up and writing."""
    interactions = load_interactions(task.source)
    if task.tuning is not None:
        interactions = replace(interactions, tuning=load_tuning(task.tuning, only_new=task.only_new))
    if task.royalties is not None:
        items = read_table(task.source / "items.parquet", ITEM_MAP)["item_id"]
        interactions = replace(interactions, royalties=filled_royalties(task.royalties, items))
    model = build(task.recipe)
    # Only families fitted by Spark ML have processes outside this one's tree that work for them.
    helpers = task.extra_pids if drives_session(task.recipe) else ()
    with CostMeter(extra_pids=helpers) as meter:
        model.fit(interactions, rng=np.random.default_rng(task.entropy))
    save_model(task.model, model, maps_from=task.source)
    return meter.cost(model_bytes=stored_bytes(task.model)).to_dict()


def entropy(seed: int, recipe_name: str, index: int, *, night: dt.date) -> tuple[int, ...]:
    """Return the seed of a recipe's fit number `index`, for `np.random.default_rng`.

    It depends on the recipe's name, so adding or reordering recipes does not change the others; and on the night, so
    that no recipe keeps a lucky seed for a whole quarter.
    """
    return seed, zlib.crc32(b"fit"), zlib.crc32(recipe_name.encode()), index, night.toordinal()


def recipe_named(context: Context, name: str) -> FamilyParams:
    """Return a recipe of params.yaml.

    Raises:
        RecipeError: params.yaml has no recipe of that name.
    """
    try:
        return context.params.recipes[name]
    except KeyError as err:
        known = ", ".join(context.params.recipes)
        raise RecipeError(f"recipe {name!r}", expected=f"one of {known}", fix="Name a recipe of params.yaml.") from err


def describe(cost: Cost) -> str:
    """Return CPU time, memory and model size as text; figures that were not measured are left out."""
    parts = [f"{cost.cpu_seconds:.1f} s CPU"]
    if cost.peak_rss_bytes is not None:
        parts.append(f"{cost.peak_rss_bytes / 2**20:.0f} MiB")
    if cost.model_bytes is not None:
        parts.append(f"a model of {cost.model_bytes / 2**20:.1f} MiB")
    return ", ".join(parts)
