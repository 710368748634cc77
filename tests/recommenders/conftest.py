from pathlib import Path

import pytest

from pipeline.configuration import load_params
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.families.als import AlsParams
from pipeline.recommenders.families.repeat import RepeatParams
from pipeline.recommenders.registry import FAMILIES
from pipeline.settings import load_settings

ROOT = Path(__file__).resolve().parents[2]

SMALL_ALS = AlsParams(factors=4, regularization=0.5, confidence=3.0, iterations=15)
FOR_FEW = {
    "ials": {"factors": 16, "regularization": 0.05, "iterations": 8},
    "bpr": {"factors": 16},
    "mixed": {"member_recipes": (RepeatParams(half_life_days=30.0), SMALL_ALS)},
    "lifted": {"member_recipes": (SMALL_ALS,)},
    "ease": {"regularization": 2.0, "dropout": 0.3, "diagonal": "zero", "neighbours": None},
}
"""Where a family's start is meant for more listeners than a test has."""


def _family(name):
    return pytest.param(name, marks=[] if FAMILIES[name].runs_in_task else [pytest.mark.spark])


@pytest.fixture(scope="module", params=[_family(name) for name in FAMILIES])
def family(request):
    """Every family of the folder; those that drive a Spark session with a real one."""
    if not FAMILIES[request.param].runs_in_task:
        request.getfixturevalue("spark")
    return request.param


@pytest.fixture(scope="module")
def recipe(family):
    """The family's recipe in params.yaml, or its start."""
    of_the_night = {each.family: each for each in load_params(ROOT / "params.yaml").recipes.values()}
    found = of_the_night.get(family) or FAMILIES[family].start
    assert found is not None, f"neither a recipe in params.yaml nor a start of the family {family}"
    if family in of_the_night or isinstance(found, EnsembleParams):
        return _with_members_for_few(found)
    return found.model_copy(update=FOR_FEW.get(family, {}))


def _with_members_for_few(recipe):
    """The factors of params.yaml vanish on the few listeners of a test, and a blend would leave out what is empty."""
    if not isinstance(recipe, EnsembleParams):
        return recipe
    small = {"factors": 4, "regularization": 0.5}
    members = [each.model_copy(update=small) if each.family == "als" else each for each in recipe.member_recipes]
    return recipe.with_members(tuple(members))


@pytest.fixture(scope="module")
def spark(tmp_path_factory):
    from pipeline.runtime.spark_session import spark_session

    settings = load_settings({"NETGAIN_SPARK_MASTER": "local[2]"}, workspace=tmp_path_factory.mktemp("spark"))
    with spark_session(settings) as session:
        yield session
