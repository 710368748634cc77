import subprocess

import pytest
import yaml

from pipeline.configuration import load_params
from pipeline.errors import ParamsError
from pipeline.recommenders.registry import FAMILIES
from pipeline.tuning.proposal import proposed_diff, with_recipe
from tests.stages.small_night import PARAMS
from tests.workspace import ROOT

TEXT = (ROOT / "params.yaml").read_text(encoding="utf-8")
IALS = FAMILIES["ials"].start
ALS = PARAMS.recipes["als"].model_copy(update={"factors": 48, "regularization": 1e-05})


def test_git_applies_the_diff_which_sets_the_best_recipe(tmp_path):
    params = tmp_path / "params.yaml"
    params.write_text(TEXT)
    (tmp_path / "als.diff").write_text(proposed_diff(params, "als", ALS))
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "apply", "als.diff"], cwd=tmp_path, check=True)
    assert load_params(params).recipes["als"] == ALS
    before, after = (text.splitlines() for text in (TEXT, params.read_text()))
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert changed == ["    factors: 48", "    regularization: 1.0e-05"]


def test_a_new_recipe_is_appended(tmp_path):
    text = with_recipe(TEXT, "ials", IALS)
    recipes = yaml.safe_load(text)["recipes"]
    assert list(recipes)[-1] == "ials"
    assert recipes["ials"] == IALS.model_dump()
    assert text.replace(text[text.index("  ials:") : text.index("\ngate:")], "") == TEXT


@pytest.mark.parametrize(
    "text",
    [
        "recipes:\n  als: {family: als, factors: 64, regularization: 30.0, confidence: 3.0, iterations: 15}",
        "recipes:\n  als:\n    iterations: 15 # enough\n    family: als\n    factors: 64\n    regularization: 3e1\n"
        "    confidence: 3.0\n",
    ],
)
def test_values_are_changed_in_place_in_any_notation(text):
    changed = with_recipe(text, "als", ALS)
    assert yaml.safe_load(changed)["recipes"]["als"] == ALS.model_dump()
    assert ("# enough" in changed) == ("# enough" in text)
    added = with_recipe(text, "ials", IALS)
    assert yaml.safe_load(added)["recipes"] | {"ials": IALS.model_dump()} == yaml.safe_load(added)["recipes"]


def test_a_value_that_was_a_default_is_added():
    lacking = TEXT.replace("    iterations: 15\n", "", 1)
    assert yaml.safe_load(with_recipe(lacking, "als", ALS))["recipes"]["als"] == ALS.model_dump()
    braces = "recipes:\n  als: {family: als, factors: 64}\n"
    with pytest.raises(ParamsError, match=r"recipes\.als"):
        with_recipe(braces, "als", ALS)


def test_the_same_recipe_gives_an_empty_diff(tmp_path):
    assert proposed_diff(ROOT / "params.yaml", "als", PARAMS.recipes["als"]) == ""


def test_recipes_that_are_not_a_block_are_refused():
    with pytest.raises(ParamsError, match="as a block"):
        with_recipe("recipes: {}\n", "als", ALS)
