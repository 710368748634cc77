"""The recipes of params.yaml are enough: dvc.yaml follows them."""

import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.configuration import Params, load_params
from pipeline.dvcfile.recipes import FAMILIES, items_of, recipes_agree
from pipeline.dvcfile.text import dvc_yaml
from pipeline.dvcfile.write import difference, write_dvc_yaml
from pipeline.graph import read_stages
from pipeline.runtime.source_imports import file_of
from tests.workspace import SMALL, make_workspace, run

ROOT = Path(__file__).resolve().parents[2]
SINGLE = ["popular", "item_knn", "rp3beta", "als"]
RECENT = {"family": "recent", "half_life_days": 30.0}


def params_with(recipes: dict[str, Any], *, blends: list[str] | None = None) -> Params:
    """The default parameters, with further recipes, and other members of the blend."""
    return Params.model_validate(raw_with(recipes, blends=blends))


def raw_with(recipes: dict[str, Any], *, blends: list[str] | None = None) -> dict[str, Any]:
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    raw["recipes"] |= recipes
    if blends is not None:
        raw["recipes"]["blend"]["members"] = blends
    return raw


def test_a_recipe_follows_itself_and_a_blend_its_members() -> None:
    items = items_of(params_with({}, blends=["als", "item_knn"]))
    assert items["als"] == {"code": file_of(f"{FAMILIES}.als"), "follows": ["als", "als"]}
    assert items["blend"] == {"code": FAMILIES.replace(".", "/"), "follows": ["als", "item_knn"]}


def test_blends_of_other_lengths_stand_beside_each_other() -> None:
    two = {"family": "blend", "members": ["als", "popular"], "candidates": 100, "tuned_at": 20}
    items = items_of(params_with({"recent": RECENT, "two": two}, blends=[*SINGLE, "recent"]))
    assert items["blend"]["follows"] == [*SINGLE, "recent"]
    assert items["two"]["follows"] == ["als", "popular", "two", "two", "two"]
    assert {len(item["follows"]) for item in items.values()} == {5}


@pytest.mark.parametrize(
    ("recipes", "blends", "agree"),
    [({}, None, True), ({"recent": RECENT}, None, False), ({}, ["als", "rp3beta"], False)],
)
def test_a_recipe_or_a_member_that_dvc_yaml_does_not_know_is_found(
    tmp_path: Path, recipes: dict[str, Any], blends: list[str] | None, agree: bool
) -> None:
    write_dvc_yaml(tmp_path, load_params(ROOT / "params.yaml"))
    assert recipes_agree(tmp_path / "dvc.yaml", params_with(recipes, blends=blends)) is agree


def test_recipes_agree_in_any_order(tmp_path: Path) -> None:
    params = load_params(ROOT / "params.yaml")
    write_dvc_yaml(tmp_path, params)
    turned = params.model_copy(update={"recipes": dict(reversed(params.recipes.items()))})
    assert recipes_agree(tmp_path / "dvc.yaml", turned)


@pytest.mark.parametrize("body", ["{foreach: {als: }, do: {cmd: x}}", "{foreach: {als: a}, do: {cmd: x}}", "{cmd: x}"])
def test_stages_of_another_shape_do_not_agree(tmp_path: Path, body: str) -> None:
    (tmp_path / "dvc.yaml").write_text(f"stages: {{fit: {body}}}\n", encoding="utf-8")
    assert not recipes_agree(tmp_path / "dvc.yaml", load_params(ROOT / "params.yaml"))


def test_writing_again_changes_nothing_and_a_change_by_hand_shows(tmp_path: Path) -> None:
    params = load_params(ROOT / "params.yaml")
    write_dvc_yaml(tmp_path, params)
    assert difference(tmp_path, params) == ""
    file = tmp_path / "dvc.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("      - data/daily\n", "", 1), encoding="utf-8")
    assert "\n+      - data/daily\n" in difference(tmp_path, params)


def test_a_new_family_adds_what_it_shares_with_others_to_the_code_of_all(tmp_path: Path) -> None:
    (tmp_path / "dvc.yaml").write_text(dvc_yaml(params_with({"recent": RECENT})), encoding="utf-8")
    deps = {stage.name: stage.deps for stage in read_stages(tmp_path / "dvc.yaml")}
    assert file_of(f"{FAMILIES}.recent") in deps["fit@recent"]
    assert file_of(f"{FAMILIES}.recent") not in deps["fit@als"]
    assert "pipeline/recommenders/one_list.py" in deps["fit@recent"]


@pytest.mark.slow
def test_dvc_tracks_the_parameters_of_a_blend_of_five(tmp_path: Path) -> None:
    workspace = make_workspace(tmp_path)
    raw = raw_with({"recent": RECENT}, blends=[*SINGLE, "recent"])
    (workspace / "params.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    run(workspace, sys.executable, "-m", "pipeline.dvcfile")
    code = (
        "from dvc.repo import Repo\n"
        "tracked = {s.name: {p for d in s.deps for p in getattr(d, 'params', [])} for s in Repo().index.stages}\n"
        "print(sorted(p for p in tracked['fit@blend'] if 'recipes' in p))\n"
        "print(sorted(p for p in tracked['fit@recent'] if 'recipes' in p))\n"
    )
    blend, recent = run(workspace, sys.executable, "-c", code).stdout.splitlines()[-2:]
    assert blend == str(sorted(f"recipes.{name}" for name in [*SINGLE, "recent", "blend"]))
    assert recent == str(["recipes.recent"])


@pytest.mark.slow
def test_a_recipe_in_params_yaml_is_enough_for_a_night(tmp_path: Path) -> None:
    small = {**SMALL, "split.decision_days": 4, "split.tuning_days": 4}
    workspace = make_workspace(tmp_path, recipes=["popular", "item_knn"], params=small, listeners=60, days=14)
    params = workspace / "params.yaml"
    raw = yaml.safe_load(params.read_text(encoding="utf-8"))
    raw["recipes"]["recent"] = RECENT
    params.write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    unknown = run(workspace, "netgain", "repro", "fit@recent", check=False).stdout
    assert "no stage 'fit@recent'" in unknown
    assert "make dvc-yaml" in unknown
    night = ("netgain", "night", "--as-of", "2026-01-15")
    said = run(workspace, *night, NETGAIN_ENGINE="inprocess", check=False).stdout
    assert "netgain: dvc.yaml is written anew for the recipes of params.yaml: popular, item_knn, recent" in said
    assert (workspace / "data" / "metrics" / "recent.json").exists()
    assert difference(workspace, load_params(params)) == ""
    again = run(workspace, *night, NETGAIN_ENGINE="inprocess", check=False).stdout
    assert "written anew" not in again
