"""Stage refit: the winner and the popular list on the whole window, for tonight's lists."""

from pathlib import Path
from typing import Any

from pipeline.engine.executor import Executor
from pipeline.errors import RecipeError
from pipeline.features.model_folder import copy_model
from pipeline.io.tables import read_json, write_json
from pipeline.recommenders.storage import read_recipe
from pipeline.stages.context import Context
from pipeline.stages.fit import FitTask, describe, drives_session, fit_models, fit_task, recipe_named

FALLBACK_RECIPE = "popular"


def run(context: Context) -> str:
    """Make the model that will be served, and the popular list.

    Raises:
        RecipeError: the decision names no recipe of params.yaml, or a served model that is not there.
    """
    from pipeline.engine.choose import executor_for
    from pipeline.engine.session import jvm_pids

    name = recipe_to_fit(read_json(context.layout.decision))
    session = name is not None and drives_session(recipe_named(context, name))
    with executor_for("fits", context.settings, session=session) as executor:
        return refit(context, executor, extra_pids=jvm_pids(context.settings))


def refit(context: Context, executor: Executor, *, extra_pids: tuple[int, ...] = ()) -> str:
    """`run`, on a given executor."""
    layout = context.layout
    recipe_name = recipe_to_fit(read_json(layout.decision))
    tasks = [_task(context, FALLBACK_RECIPE, layout.fallback_model, extra_pids)]
    if recipe_name is not None:
        tasks.insert(0, _task(context, recipe_name, layout.final_model, extra_pids))
    costs = fit_models(tasks, executor)
    if recipe_name is None:
        family = read_recipe(layout.served / "final").family
        copy_model(layout.final_model, source=layout.served / "final")
        made = f"the served model ({family}) is kept"
    else:
        family = tasks[0].recipe.family
        made = f"{recipe_name} on the whole window: {describe(costs[0])}"
    names = [FALLBACK_RECIPE] if recipe_name is None else [recipe_name, FALLBACK_RECIPE]
    write_json(
        layout.refit_cost,
        {
            "recipe": recipe_name,
            "family": family,
            "source": "served" if recipe_name is None else "refit",
            "fits": [cost.to_dict() | {"seed": 0, "recipe": name} for name, cost in zip(names, costs, strict=True)],
        },
    )
    return made


def recipe_to_fit(decision: dict[str, Any]) -> str | None:
    """The recipe that a decision wants fitted anew; None where the served model is kept.

    Raises:
        RecipeError: the decision says neither.
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


def _task(context: Context, recipe_name: str, model: Path, extra_pids: tuple[int, ...]) -> FitTask:
    window = context.layout.window
    return fit_task(context, recipe_name, source=window, model=model, index=0, extra_pids=extra_pids)
