"""Every family by name. Its module is imported when a model of it is asked for."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipeline.params import Recipe
from pipeline.recommenders.protocol import Recommender
from pipeline.recommenders.storage import read_recipe


@dataclass(frozen=True)
class Family:
    """Where a family's class is, and how it is fitted.

    Attributes:
        module: below pipeline.recommenders.
        name: of the class.
        stochastic: whether another seed gives another model.
        runs_in: `task`, a kernel that an executor may send anywhere, or `driver`, which uses the session itself.
        needs_tuning: whether `fit` asks for `interactions.tuning`.
    """

    module: str
    name: str
    stochastic: bool
    runs_in: Literal["task", "driver"]
    needs_tuning: bool = False

    def load_class(self) -> Any:
        """Import the family: a class of the protocol `Recommender` that is made from its recipe."""
        return getattr(importlib.import_module(f"pipeline.recommenders.{self.module}"), self.name)


FAMILIES: dict[str, Family] = {
    "popular": Family("popular", "Popular", stochastic=False, runs_in="task"),
    "recent": Family("recent", "Recent", stochastic=False, runs_in="task"),
    "repeat": Family("repeat", "Repeat", stochastic=False, runs_in="task"),
    "item_knn": Family("item_knn", "ItemKnn", stochastic=False, runs_in="task"),
    "rp3beta": Family("rp3beta", "Rp3Beta", stochastic=False, runs_in="task"),
    "ease": Family("ease", "Ease", stochastic=False, runs_in="task"),
    "als": Family("als", "Als", stochastic=True, runs_in="task"),
    "ials": Family("ials", "Ials", stochastic=True, runs_in="task"),
    "bpr": Family("bpr", "Bpr", stochastic=True, runs_in="task"),
    "spark_als": Family("spark_als", "SparkAls", stochastic=True, runs_in="driver"),
    "blend": Family("blend", "Blend", stochastic=True, runs_in="task", needs_tuning=True),
}


def build(recipe: Recipe) -> Recommender:
    """A recommender of the recipe's family, not yet fitted."""
    recommender: Recommender = FAMILIES[recipe.family].load_class()(recipe)
    return recommender


def load_recommender(folder: Path) -> Recommender:
    """The model in a folder, whatever its family.

    Raises:
        RecipeError: the folder holds no model, or one of another format.
    """
    recommender: Recommender = FAMILIES[read_recipe(folder).family].load_class().load(folder)
    return recommender
