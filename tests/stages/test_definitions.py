"""A recipe's definition: family, hyperparameters and the family's code, whatever its name."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.configuration import Params, load_params
from pipeline.gate.champion import ChampionDefinition
from pipeline.runtime.source_imports import ROOT
from pipeline.stages.definitions import code_of, definition_of
from pipeline.stages.fingerprints import definitions, entrants

PARAMS = load_params(ROOT / "params.yaml")
RECOMMENDERS = "pipeline/recommenders"


def changed(change: Callable[[dict[str, Any]], object]) -> Params:
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    change(raw)
    return Params.model_validate(raw)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the package, whose code may be changed."""
    shutil.copytree(ROOT / "pipeline", tmp_path / "pipeline", ignore=shutil.ignore_patterns("__pycache__", "templates"))
    return tmp_path


def edit(tree: Path, file: str, old: str, new: str) -> None:
    path = tree / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_every_recipe_has_a_definition_of_its_own() -> None:
    found = definitions(PARAMS)
    assert found.keys() == PARAMS.recipes.keys()
    assert len(set(found.values())) == len(found)
    assert definitions(PARAMS) == found


def test_another_hyperparameter_is_another_definition_also_of_the_blend_of_it() -> None:
    before, after = definitions(PARAMS), definitions(changed(lambda raw: raw["recipes"]["als"].update(factors=65)))
    assert {name for name in before if before[name] != after[name]} == {"als", "blend"}


def test_another_name_is_the_same_definition_also_of_the_blend_of_it() -> None:
    def rename(raw: dict[str, Any]) -> None:
        raw["recipes"]["als_64"] = raw["recipes"].pop("als")
        raw["recipes"]["blend"]["members"][0] = "als_64"

    before, after = definitions(PARAMS), definitions(changed(rename))
    assert after["als_64"] == before["als"]
    assert after["blend"] == before["blend"]


def test_other_code_of_a_family_is_another_definition_of_it_alone(tree: Path) -> None:
    families = {name: frozenset({name}) for name in ("als", "popular", "item_knn")}
    before = {name: code_of(each, root=ROOT) for name, each in families.items()}
    edit(tree, f"{RECOMMENDERS}/families/popular.py", "def fit(", "FASTER = 1\n\n    def fit(")
    after = {name: code_of(each, root=tree) for name, each in families.items()}
    assert {name for name in families if before[name] != after[name]} == {"popular"}


def test_code_that_families_share_counts_for_all_that_import_it(tree: Path) -> None:
    (tree / RECOMMENDERS / "neighbours.py").open("a", encoding="utf-8").write("\nCLOSEST = 1\n")
    assert code_of(frozenset({"item_knn"}), root=tree) != code_of(frozenset({"item_knn"}), root=ROOT)
    assert code_of(frozenset({"als"}), root=tree) == code_of(frozenset({"als"}), root=ROOT)


def test_a_members_code_counts_for_the_blend(tree: Path) -> None:
    edit(tree, f"{RECOMMENDERS}/families/rp3beta.py", "FAMILY = ", "FASTER = 1\nFAMILY = ")
    blend = frozenset({"blend", "als", "item_knn", "rp3beta"})
    assert code_of(blend, root=tree) != code_of(blend, root=ROOT)
    without = frozenset({"blend", "als", "item_knn"})
    assert code_of(without, root=tree) == code_of(without, root=ROOT)


def test_comments_docstrings_and_layout_do_not_count_nor_does_code_elsewhere(tree: Path) -> None:
    edit(tree, f"{RECOMMENDERS}/families/popular.py", "def fit(", "# Why not?\n\n    def fit(")
    edit(tree, f"{RECOMMENDERS}/families/popular.py", "the baseline for all models", "a baseline")
    edit(tree, "pipeline/storage/tables.py", "def write_table(", "FASTER = 1\n\n\ndef write_table(")
    assert code_of(frozenset({"popular"}), root=tree) == code_of(frozenset({"popular"}), root=ROOT)


def test_a_pair_is_one_of_definitions_and_of_what_they_are_measured_on() -> None:
    def pair(params: Params, champion: str, challenger: str) -> str:
        return entrants(params, ChampionDefinition(champion, definitions(params)[champion]))[challenger].pair

    key = pair(PARAMS, "popular", "als")
    assert key != pair(PARAMS, "als", "popular")
    assert key != pair(changed(lambda raw: raw["recipes"]["als"].update(factors=65)), "popular", "als")
    assert key != pair(changed(lambda raw: raw["split"].update(decision_days=14)), "popular", "als")
    assert key == pair(changed(lambda raw: raw["gate"].update(seeds=5)), "popular", "als")
    other = changed(lambda raw: raw["recipes"].update(twin=raw["recipes"]["als"]))
    assert key == pair(other, "popular", "twin")


def test_the_definition_of_a_stored_recipe_is_that_of_params_yaml() -> None:
    from pipeline.recommenders.registry import parse_recipe

    for recipe in PARAMS.recipes.values():
        assert definition_of(parse_recipe(recipe.model_dump(mode="json"))) == definition_of(recipe)
