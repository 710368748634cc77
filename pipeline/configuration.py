"""params.yaml as one frozen, typed, validated value. Unknown keys are refused by their dotted path."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, ValidationError, model_validator

from pipeline.errors import ParamsError
from pipeline.params.base import RECIPE_NAME, Frozen
from pipeline.params.economics import EconomicsParams
from pipeline.params.evaluation import EvaluationParams
from pipeline.params.experiments import EXPERIMENT_NAME, Experiment
from pipeline.params.gate import GateParams
from pipeline.params.ingest import IngestParams
from pipeline.params.interactions import InteractionParams
from pipeline.params.lists import ListParams
from pipeline.params.monitoring import MonitoringParams
from pipeline.params.split import SplitParams, suits
from pipeline.params.validation import ValidationParams
from pipeline.recommenders.ensemble import EnsembleParams, can_be_member
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES, AnyRecipe

FALLBACK_RECIPE = "popular"
"""Recipe and family of the baseline, which also makes the list for unknown listeners."""


RESERVED = frozenset({"served", "earlier"})
"""Names of files and of arrays of a decision that stand beside those of recipes."""


class Params(Frozen):
    """The content of params.yaml. Loading it imports the families that it has recipes of, and no others."""

    seed: Annotated[int, Field(ge=0, lt=2**32)]
    """The one seed; each stage derives its own from it."""
    ingest: IngestParams
    validation: ValidationParams
    interactions: InteractionParams
    split: SplitParams
    evaluation: EvaluationParams
    recipes: dict[str, AnyRecipe]
    gate: GateParams
    economics: EconomicsParams
    lists: ListParams
    monitoring: MonitoringParams
    experiments: dict[str, Experiment] = Field(default_factory=dict, exclude_if=lambda found: not found)
    """Experiments with listeners, by name. A night opens those that `netgain experiment open` has asked for."""

    @model_validator(mode="after")
    def _ensembles_know_their_members(self) -> "Params":
        for name, recipe in self.recipes.items():
            if isinstance(recipe, EnsembleParams):
                found = tuple(_member(self.recipes, member, of=name) for member in recipe.members)
                if recipe.member_recipes not in ((), found):
                    raise ValueError(f"recipes.{name}.member_recipes is not for you to give: members names the recipes")
                self.recipes[name] = recipe.with_members(found)
        return self

    @model_validator(mode="after")
    def _targets_fit_the_families(self) -> "Params":
        for name, recipe in self.recipes.items():
            needed = FAMILIES[recipe.family].needs_target
            if not suits(needed, self.split.target):
                raise ValueError(
                    f"recipes.{name}, of the family {recipe.family}, has empty lists with split.target "
                    f"{self.split.target!r}: set split.target to {needed!r}, or leave the recipe out"
                )
        return self

    @model_validator(mode="after")
    def _order_is_kept_for_those_that_need_it(self) -> "Params":
        for name, recipe in self.recipes.items():
            if FAMILIES[recipe.family].needs_order and not self.interactions.order:
                raise ValueError(
                    f"recipes.{name}, of the family {recipe.family}, learns from the order of plays: set "
                    "interactions.order to true, or leave the recipe out"
                )
        return self

    @model_validator(mode="after")
    def _recipes_are_nameable(self) -> "Params":
        bad = [name for name in self.recipes if not RECIPE_NAME.fullmatch(name)]
        if bad:
            raise ValueError(f"recipe name {bad[0]!r} is not of the form {RECIPE_NAME.pattern}")
        if taken := RESERVED & self.recipes.keys():
            raise ValueError(f"recipe name {min(taken)!r} is that of a file of the night: choose another")
        fallback = self.recipes.get(FALLBACK_RECIPE)
        if fallback is None or fallback.family != FALLBACK_RECIPE:
            raise ValueError(
                f"a recipe {FALLBACK_RECIPE!r} of the family {FALLBACK_RECIPE} is needed: it is the baseline and the "
                "fallback"
            )
        return self

    @model_validator(mode="after")
    def _families_have_hours(self) -> "Params":
        given = {*self.economics.maintenance_hours_per_year, *self.economics.switching_hours}
        if unknown := given - set(FAMILIES):
            raise ValueError(f"economics gives hours of {min(unknown)!r}, which is not one of {', '.join(FAMILIES)}")
        for family in {recipe.family: None for recipe in self.recipes.values()}:
            _give_hours(self.economics, family)
        return self

    @model_validator(mode="after")
    def _experiments_name_recipes(self) -> "Params":
        for name, each in self.experiments.items():
            if not re.fullmatch(EXPERIMENT_NAME, name):
                raise ValueError(f"experiment name {name!r} is not of the form {EXPERIMENT_NAME}")
            if each.recipe is not None and each.recipe not in self.recipes:
                raise ValueError(f"experiments.{name}.recipe is {each.recipe!r}, no recipe of params.yaml")
        return self

    @model_validator(mode="after")
    def _lists_are_judged_as_served(self) -> "Params":
        k, n_items = self.evaluation.k, self.lists.n_items
        if k != n_items:
            raise ValueError(
                f"evaluation.k is {k} and lists.n_items is {n_items}: a list is judged at the length served"
            )
        return self


def with_recipe(params: Params, name: str, recipe: FamilyParams) -> Params:
    """Return parameters with one more recipe, and hours of its family.

    It need not be one that params.yaml could have: its name may be of another form, and its members may be recipes that
    params.yaml has no more.
    """
    found = with_hours(params, recipe.family)
    return found.model_copy(update={"recipes": {**found.recipes, name: recipe}})


def with_hours(params: Params, family: str) -> Params:
    """Return parameters that have hours of one more family: its own, unless params.yaml gives others."""
    given = params.economics
    hours = {"maintenance_hours_per_year": given.maintenance_hours_per_year, "switching_hours": given.switching_hours}
    economics = given.model_copy(update={name: dict(each) for name, each in hours.items()})
    _give_hours(economics, family)
    return params.model_copy(update={"economics": economics})


def load_params(path: Path) -> Params:
    """Read and check a params.yaml.

    Raises:
        ParamsError: the file is missing, is not YAML, or a value is unknown, mistyped or out of range.
    """
    try:
        raw: object = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as err:
        raise ParamsError(
            f"no file {path}", expected="the parameters of the night", fix="Run from the project's folder."
        ) from err
    except (yaml.YAMLError, UnicodeDecodeError) as err:
        where = " ".join(str(err).split())
        raise ParamsError(f"{path} is not YAML: {where}", expected="a mapping", fix="Mend the file.") from err
    try:
        return Params.model_validate(raw)
    except ValidationError as err:
        first, n_more = err.errors()[0], err.error_count() - 1
        raise ParamsError(
            f"{path}: {'.'.join(str(part) for part in first['loc']) or 'the file'} = {_short(first['input'])}",
            expected=first["msg"][0].lower() + first["msg"][1:] + (f" ({n_more} more faults follow)" if n_more else ""),
            fix="See the fields in pipeline/params/ and pipeline/recommenders/families/.",
        ) from err


def _give_hours(economics: EconomicsParams, family: str) -> None:
    hours = FAMILIES[family].hours
    economics.maintenance_hours_per_year.setdefault(family, float(hours.upkeep))
    economics.switching_hours.setdefault(family, float(hours.switching))


def _member(recipes: Mapping[str, FamilyParams], name: str, *, of: str) -> FamilyParams:
    recipe = recipes.get(name)
    if recipe is not None and can_be_member(recipe):
        return recipe
    found = "no recipe of params.yaml" if recipe is None else f"of the family {recipe.family}"
    able = ", ".join(other for other, each in recipes.items() if can_be_member(each))
    raise ValueError(f"recipes.{of}.members names {name!r}, {found}; what can be blended: {able}")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
