"""Stage refit: fit the winner and the popular list on the whole window, for tonight's lists.

If the served model is kept, tonight's listeners and plays are folded into it; its items stay as they were fitted
(docs/explanation/fold-in.md).
"""

import shutil
from pathlib import Path
from typing import Any

from pipeline.configuration import FALLBACK_RECIPE
from pipeline.errors import RecipeError
from pipeline.metrics.cost import Cost
from pipeline.recommenders.storage import read_recipe
from pipeline.runtime.executor import Executor, Result
from pipeline.stages.context import Context
from pipeline.stages.fit import FitTask, describe, drives_session, fit_models, fit_task, recipe_named
from pipeline.stages.fold_in import FoldTask, fold_kernel
from pipeline.stages.going_on import challengers_of, going_on
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.json_files import read_json, write_json

STAGE = StageSpec(
    desc="Fit the winner and the popular list on the whole window",
    deps=(DATA.champion, DATA.decision, DATA.experiments, DATA.tuning, DATA.window, DATA.served, DATA.royalties),
    params=("seed", "recipes", "split.target", AS_OF),
    outs=(DATA.final_model.parent, DATA.refit_cost),
)


def run(context: Context) -> str:
    """Make the model to be served, and the popular list.

    Raises:
        RecipeError: the decision names no recipe of params.yaml, or a served model that is missing.
    """
    from pipeline.runtime.choose import executor_for
    from pipeline.runtime.spark_session import jvm_pids

    name = recipe_to_fit(read_json(context.layout.decision))
    names = [*([] if name is None else [name]), *challengers_of(going_on(context.layout))]
    session = any(drives_session(recipe_named(context, each)) for each in names)
    with executor_for("fits", context.settings, session=session) as executor:
        return refit(context, executor, extra_pids=jvm_pids(context.settings))


def refit(context: Context, executor: Executor, *, extra_pids: tuple[int, ...] = ()) -> str:
    """Do the work of `run` on a given executor; return the stage's line."""
    layout = context.layout
    recipe_name = recipe_to_fit(read_json(layout.decision))
    tasks = [_task(context, FALLBACK_RECIPE, layout.fallback_model, extra_pids)]
    if recipe_name is not None:
        tasks.insert(0, _task(context, recipe_name, layout.final_model, extra_pids))
    arms = challengers_of(going_on(layout))
    shutil.rmtree(layout.arm_model("any").parent, ignore_errors=True)
    found = fit_models([*tasks, *(_task(context, name, layout.arm_model(name), extra_pids) for name in arms)], executor)
    costs = found[: len(tasks)]
    names: list[str | None] = [FALLBACK_RECIPE]
    report: dict[str, Any] = {"recipe": recipe_name, "source": "served" if recipe_name is None else "refit"}
    if recipe_name is None:
        family = read_recipe(layout.served / "final").family
        [folded] = executor.map(fold_kernel, [FoldTask(layout.served / "final", layout.window, layout.final_model)])
        made = f"the served model ({family}) is kept{_folded(folded)}"
        report["folded_in"] = {key: folded[key] for key in ("n_listeners", "n_new")} if folded["folded"] else None
        if folded["folded"]:
            names.insert(0, None)
            costs.insert(0, Cost.from_dict(folded["cost"]))
    else:
        family = tasks[0].recipe.family
        names.insert(0, recipe_name)
        made = f"{recipe_name} on the whole window: {describe(costs[0])}"
    report["family"] = family
    if arms:
        made += f"; for experiments also {', '.join(arms)}"
        report["experiments"] = [
            cost.to_dict() | {"seed": 0, "recipe": name} for name, cost in zip(arms, found[len(tasks) :], strict=True)
        ]
    report["fits"] = [cost.to_dict() | {"seed": 0, "recipe": name} for name, cost in zip(names, costs, strict=True)]
    write_json(layout.refit_cost, report)
    return made


def recipe_to_fit(decision: dict[str, Any]) -> str | None:
    """Return the name of the recipe that a decision requires to be fitted; None if the served model is kept.

    Raises:
        RecipeError: the decision states neither.
    """
    serve = decision.get("serve")
    match serve:
        case {"source": "refit", "recipe": str(name)}:
            return name
        case {"source": "served"}:
            return None
    raise RecipeError(
        f"decision.json with serve = {str(serve)[:80]}",
        expected='{"source": "refit", "recipe": …} or {"source": "served"}',
        fix="Run the stage decide.",
    )


def _folded(folded: Result) -> str:
    if not folded["folded"]:
        return "; its family takes up no new listeners, who get the popular list"
    told = describe(Cost.from_dict(folded["cost"]))
    return f"; {folded['n_listeners']} listeners of tonight folded in, {folded['n_new']} of them new: {told}"


def _task(context: Context, recipe_name: str, model: Path, extra_pids: tuple[int, ...]) -> FitTask:
    window = context.layout.window
    return fit_task(context, recipe_name, source=window, model=model, index=0, extra_pids=extra_pids)
