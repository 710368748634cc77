"""What experiments had shown before a night, as its decision reads it."""

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.online.results import ExperimentResult
from pipeline.online.running import Running
from pipeline.state.experiments import latest_results
from pipeline.state.location import Where

Definition = Callable[[str], str | None]


def taught(where: Where, *, as_of: dt.date, definition_of: Definition) -> list[ExperimentResult]:
    """Return the last result of each experiment of the nights before.

    A recipe whose definition has changed since is named with its old one: its experiment still teaches what a gain is
    worth, but is not about today's recipe of that name.

    Args:
        where: the store.
        as_of: the night.
        definition_of: the definition of a recipe today; None if there is no such recipe.

    Raises:
        TableError: the database cannot be read.
    """
    return [_as_of_today(row, definition_of) for row in latest_results(where, before=as_of)]


def _as_of_today(row: Mapping[str, Any], definition_of: Definition) -> ExperimentResult:
    running, result = Running.model_validate(row["running"]), ExperimentResult.model_validate(row["result"])
    then = {running.declared.recipe: running.definition, running.control_recipe: running.control_definition}

    def named(recipe: str) -> str:
        definition = then.get(recipe)
        return recipe if definition in {None, definition_of(recipe)} else f"{recipe}@{str(definition)[:8]}"

    arms = tuple(arm.model_copy(update={"recipe": named(arm.recipe)}) for arm in result.arms)
    # A night that ends an experiment because its time is over may draw it anew; nothing else may.
    early = result.state == "ended" and not running.drawn_anew
    return result.model_copy(update={"arms": arms, "early": early})
