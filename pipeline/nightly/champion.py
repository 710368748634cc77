"""Which definition is champion when a night opens."""

import datetime as dt
import sys
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from pipeline.configuration import Params
from pipeline.errors import RecipeError
from pipeline.gate.champion import own_name
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import parse_recipe
from pipeline.recommenders.storage import read_recipe
from pipeline.stages.champion import Standing
from pipeline.stages.definitions import definition_of
from pipeline.state.choices import last_choice
from pipeline.state.location import Where
from pipeline.storage.tables import read_json

UNKNOWN = "unknown"
"""The definition of a model whose release has none and whose hyperparameters this code cannot read."""


@dataclass(frozen=True)
class _Known:
    """What is known of a definition; None where nothing is."""

    recipe: str
    definition: str | None
    parameters: FamilyParams | None


def standing_champion(state: Where, served: Path, params: Params, *, as_of: dt.date) -> Standing | None:
    """Return the champion: what the gate chose last, or what is served if it never chose; None if nothing is served.

    A definition that cannot be fitted any more, because its family's code has changed, is frozen: the model that is
    served stands for it. If an override serves another recipe, no model of it is left to measure, and what is served
    takes its place; a line on stderr says so.

    Args:
        state: the store.
        served: night/served.
        params: those of params.yaml.
        as_of: the night.

    Raises:
        TableError: the database or served.json cannot be read.
    """
    release = _served(served)
    if release is None:
        return None
    chosen = _chosen(state, as_of)
    if chosen is None:
        return _fitted(release, params) or _frozen(release)
    if _agree(chosen, release):
        joined = _Known(chosen.recipe, chosen.definition or release.definition, chosen.parameters or release.parameters)
        return _fitted(joined, params) or _frozen(joined)
    if (found := _fitted(chosen, params)) is not None:
        return found
    print(  # noqa: T201
        f"netgain: the champion {chosen.recipe} can be neither fitted nor measured any more: what is served, "
        f"{release.recipe}, takes its place",
        file=sys.stderr,
    )
    return _fitted(release, params) or _frozen(release)


def _fitted(known: _Known, params: Params) -> Standing | None:
    """Return the champion as a recipe that this code can fit; None if it cannot."""
    tonights = params.recipes.get(known.recipe)
    parameters, definition = known.parameters, known.definition
    if definition is None:
        # Ledgers and releases of earlier versions: their code is taken as unchanged.
        parameters = parameters or tonights
        definition = UNKNOWN if parameters is None else definition_of(parameters)
    for recipe in (tonights, parameters):
        if recipe is not None and definition_of(recipe) == definition:
            return Standing(known.recipe, definition, frozen=False, parameters=recipe.model_dump(mode="json"))
    return None


def _frozen(known: _Known) -> Standing:
    parameters = None if known.parameters is None else known.parameters.model_dump(mode="json")
    return Standing(known.recipe, known.definition or UNKNOWN, frozen=True, parameters=parameters)


def _agree(chosen: _Known, release: _Known) -> bool:
    digests = {chosen.definition, release.definition} - {None}
    return chosen.recipe == release.recipe and len(digests) < 2


def _chosen(state: Where, as_of: dt.date) -> _Known | None:
    entry = last_choice(state, as_of=as_of)
    if entry is None or entry.get("gate_recipe") is None:
        return None
    try:
        parameters = parse_recipe(entry["gate_parameters"]) if entry.get("gate_parameters") else None
    except (ValidationError, ValueError):  # a family or a hyperparameter that the code has no more
        parameters = None
    return _Known(own_name(entry["gate_recipe"]), entry.get("definition"), parameters)


def _served(folder: Path) -> _Known | None:
    served = read_json(folder / "served.json")
    if served["release"] is None:
        return None
    try:
        parameters = read_recipe(folder / "model")
    except RecipeError:  # the same; the stage that scores the model says so
        parameters = None
    return _Known(own_name(served["recipe"]), served.get("definition"), parameters)
