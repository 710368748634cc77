"""Where a search starts, and how its trials' costs compare."""

import math

from pipeline.configuration import Params
from pipeline.errors import RecipeError
from pipeline.params.split import suits
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.recommenders.search_space import Space, Whole


def space_of(recipe: FamilyParams) -> Space:
    """Return the search space of a recipe's family; empty if it is not tuned."""
    return FAMILIES[recipe.family].search_space


def start_of(params: Params, name: str) -> FamilyParams:
    """Return the recipe of this name in params.yaml; without one, the start of the family of this name.

    Raises:
        RecipeError: there is neither, nothing of it can be searched, or its lists would be empty for split.target.
    """
    recipe = params.recipes.get(name) or (_start(params, name) if name in FAMILIES else None)
    if recipe is None or not space_of(recipe):
        what = f"no recipe {name!r}" if recipe is None else f"nothing to search in a recipe of {recipe.family}"
        able = [known for known, each in params.recipes.items() if space_of(each)]
        able += [known for known in FAMILIES if known not in params.recipes and _start(params, known)]
        raise RecipeError(
            what, expected=f"one of {', '.join(able)}", fix="Name one of them; a blend is tuned by its members."
        )
    return recipe


def effort(space: Space, recipe: FamilyParams) -> float:
    """Return the cost of a fit relative to others of the family, as far as hyperparameters tell: Π valueᵖᵒʷᵉʳ."""
    costly = {field: d.cost_power for field, d in space.items() if isinstance(d, Whole)}
    return math.prod(math.pow(getattr(recipe, field), power) for field, power in costly.items())


def _start(params: Params, name: str) -> FamilyParams | None:
    family = FAMILIES[name]
    return family.start if suits(family.needs_target, params.split.target) else None
