"""Which hyperparameters of a family are searched, and where. A new family is one entry."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.errors import RecipeError
from pipeline.params import BprRecipe, EaseRecipe, IalsRecipe, Params, RecentRecipe, Recipe

Value = int | float | str


@dataclass(frozen=True)
class Whole:
    """An integer from low to high. A trial's cost grows with its power `cost_power`; 0, where it hardly does."""

    low: int
    high: int
    log: bool = False
    cost_power: float = 0.0

    def holds(self, value: Value) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Real:
    """A number from low to high, tried with three digits: what is proposed to a person is what was measured."""

    low: float
    high: float
    log: bool = False

    def holds(self, value: Value) -> bool:
        return not isinstance(value, str) and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """One of some names."""

    names: tuple[str, ...]

    def holds(self, value: Value) -> bool:
        return value in self.names


Dimension = Whole | Real | OneOf
Space = Mapping[str, Dimension]
"""By field of the family's recipe. Fields that are not in it stay as they are."""

SPACES: dict[str, Space] = {
    "popular": {"window_days": Whole(1, 90, log=True)},
    "recent": {"half_life_days": Real(0.5, 90.0, log=True)},
    "repeat": {"half_life_days": Real(1.0, 365.0, log=True)},
    "item_knn": {"neighbours": Whole(20, 1000, log=True), "weighting": OneOf(("bm25", "cosine"))},
    "rp3beta": {"neighbours": Whole(20, 1000, log=True), "alpha": Real(0.3, 2.0), "beta": Real(0.0, 1.0)},
    "als": {
        "factors": Whole(16, 128, log=True, cost_power=1),
        "regularization": Real(0.1, 100.0, log=True),
        "confidence": Real(0.3, 30.0, log=True),
        "iterations": Whole(5, 30, log=True, cost_power=1),
    },
    "ials": {
        "factors": Whole(16, 256, log=True, cost_power=1.5),
        "regularization": Real(0.001, 1.0, log=True),
        "exponent": Real(0.0, 1.0),
        "unobserved": Real(0.01, 1.0, log=True),
        "discount": Real(0.0, 0.5),
        "iterations": Whole(4, 16, log=True, cost_power=1),
    },
    "ease": {
        "regularization": Real(1.0, 1000.0, log=True),
        "dropout": Real(0.0, 0.8),
        "diagonal": OneOf(("zero", "free")),
    },
    "bpr": {
        "factors": Whole(16, 128, log=True, cost_power=1),
        "regularization": Real(0.001, 0.1, log=True),
        "learning_rate": Real(0.01, 0.2, log=True),
        "iterations": Whole(30, 300, log=True, cost_power=1),
    },
}

STARTS: dict[str, Recipe] = {
    "recent": RecentRecipe(family="recent", half_life_days=7.0),
    "ease": EaseRecipe(family="ease", regularization=50.0, dropout=0.5, diagonal="free", neighbours=200),
    "bpr": BprRecipe(family="bpr", factors=64, learning_rate=0.05, regularization=0.01, iterations=100),
    # The values of Rendle et al. as they were tuned on LastFM, at a size that a night affords.
    "ials": IalsRecipe(
        family="ials", factors=64, regularization=0.01, exponent=0.75, unobserved=0.0875, discount=0.15, start=0.1,
        iterations=12,
    ),
}  # fmt: skip
"""Where the search begins for a family that params.yaml has no recipe of."""


def start_of(params: Params, name: str) -> Recipe:
    """The recipe of that name in params.yaml; for the name of a family that has none there, the family's own start.

    Raises:
        RecipeError: it is neither, or nothing of it can be searched.
    """
    recipe = params.recipes.get(name) or STARTS.get(name)
    able = [known for known, each in params.recipes.items() if each.family in SPACES]
    able += [known for known in STARTS if known not in params.recipes]
    if recipe is None or recipe.family not in SPACES:
        what = f"no recipe {name!r}" if recipe is None else f"nothing to search in a recipe of {recipe.family}"
        raise RecipeError(
            what, expected=f"one of {', '.join(able)}", fix="Name one of them; a blend is tuned by its members."
        )
    return recipe


def effort(space: Space, recipe: Recipe) -> float:
    """What a fit costs relative to others of the family, as far as the hyperparameters tell: Π valueᵖᵒʷᵉʳ."""
    costly = {field: d.cost_power for field, d in space.items() if isinstance(d, Whole)}
    return math.prod(math.pow(getattr(recipe, field), power) for field, power in costly.items())
