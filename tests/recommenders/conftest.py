from pathlib import Path

import pytest

from pipeline.params import (
    AlsRecipe,
    BlendRecipe,
    BprRecipe,
    EaseRecipe,
    IalsRecipe,
    RecentRecipe,
    RepeatRecipe,
    load_params,
)
from pipeline.recommenders.registry import FAMILIES
from pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]

NOT_OF_THE_NIGHT = (
    IalsRecipe(
        family="ials", factors=16, regularization=0.05, exponent=0.75, unobserved=0.1, discount=0.15, start=0.1,
        iterations=8,
    ),
    RecentRecipe(family="recent", half_life_days=7.0),
    RepeatRecipe(family="repeat", half_life_days=30.0),
    EaseRecipe(family="ease", regularization=2.0, dropout=0.3, diagonal="zero"),
    BprRecipe(family="bpr", factors=16, learning_rate=0.05, regularization=0.01, iterations=100),
)  # fmt: skip
"""Families that params.yaml has no recipe of."""


def _family(name):
    marks = [pytest.mark.spark] if FAMILIES[name].runs_in == "driver" else []
    return pytest.param(name, marks=marks)


@pytest.fixture(scope="module", params=[_family(name) for name in FAMILIES])
def family(request):
    """Every family of the registry; those of the driver with a real Spark session."""
    if FAMILIES[request.param].runs_in == "driver":
        request.getfixturevalue("spark")
    return request.param


@pytest.fixture(scope="module")
def recipe(family):
    """The family's recipe as params.yaml has it, or one of those above."""
    of_the_night = load_params(ROOT / "params.yaml").recipes.values()
    recipes = {recipe.family: recipe for recipe in (*NOT_OF_THE_NIGHT, *of_the_night)}
    assert family in recipes, f"no recipe of the family {family}"
    return _with_members_for_few(recipes[family])


def _with_members_for_few(recipe):
    """The factors of params.yaml vanish on the few listeners of a test, and a blend would leave out what is empty."""
    if not isinstance(recipe, BlendRecipe):
        return recipe
    small = {"factors": 4, "regularization": 0.5}
    members = [each.model_copy(update=small) if isinstance(each, AlsRecipe) else each for each in recipe.member_recipes]
    return recipe.model_copy(update={"member_recipes": tuple(members)})


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    from pipeline.runtime.spark_session import spark_session

    settings = load_settings({"NETGAIN_SPARK_MASTER": "local[2]"}, workspace=tmp_path_factory.mktemp("spark"))
    with spark_session(settings) as session:
        yield session
