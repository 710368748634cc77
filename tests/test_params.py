"""A hostile or mistyped params.yaml gets one clear line; nothing of it is executed."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from pipeline.configuration import Params, load_params
from pipeline.errors import ParamsError
from pipeline.recommenders.families.blend import BlendParams
from pipeline.recommenders.registry import FAMILIES

ROOT = Path(__file__).resolve().parents[1]


REPEAT = {"family": "repeat", "half_life_days": 30.0}
EASE = {"family": "ease", "regularization": 100.0, "dropout": 0.5, "diagonal": "zero"}


def _with(change: Callable[[dict[str, Any]], object], tmp_path: Path) -> Path:
    raw = copy.deepcopy(yaml.safe_load((ROOT / "params.yaml").read_text()))
    change(raw)
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


def test_the_shipped_file_is_valid_and_frozen() -> None:
    params = load_params(ROOT / "params.yaml")
    assert params.lists.n_items == params.evaluation.k == 20
    with pytest.raises(ValidationError, match="frozen"):
        params.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("change", "path", "says"),
    [
        (lambda p: p["split"].update(decision_day=7), "split.decision_day", "extra"),
        (lambda p: p["split"].update(decision_days="7"), "split.decision_days", "integer"),
        (lambda p: p["split"].update(decision_days=0), "split.decision_days", "greater"),
        (lambda p: p["recipes"]["als"].update(factor=3), "recipes.als.factor", "extra"),
        (lambda p: p["recipes"]["als"].update(family="magic"), "recipes.als", "als"),
        (lambda p: p["split"].update(tuning_days=0), "split.tuning_days", "greater"),
        (lambda p: p["recipes"]["blend"].update(members=["als"]), "recipes.blend.members", "at least 2"),
        (lambda p: p["recipes"]["blend"].update(members=["als", "als"]), "recipes.blend.members", "once each"),
        (lambda p: p["recipes"]["blend"].update(members=["als", "../als"]), "recipes.blend.members.1", "pattern"),
        (lambda p: p["recipes"]["blend"].update(members="als"), "recipes.blend.members", "tuple"),
        (lambda p: p["recipes"]["blend"].update(members=["als", "magic"]), "", "'magic', no recipe of params.yaml"),
        (lambda p: p["recipes"]["blend"].update(members=["als", "blend"]), "", "'blend', of the family blend"),
        (lambda p: p["recipes"]["blend"].update(members=["als", "spark_als"]), "", "'spark_als', of the family spark"),
        (lambda p: p["recipes"]["blend"].update(member_recipes=[p["recipes"]["als"]]), "", "not for you to give"),
        (lambda p: p["recipes"].update(again=REPEAT), "", "recipes.again, of the family repeat, has empty lists"),
        (lambda p: p["recipes"]["als"].pop("family"), "recipes.als", "family None is not one of"),
        (lambda p: p["recipes"].update(als="als"), "recipes.als", "mapping"),
        (lambda p: p["economics"].update(switching_hours={"alss": 8}), "", "hours of 'alss', which is not one of als"),
        (lambda p: p["economics"].update(switching_hours={"als": -8}), "economics.switching_hours.als", "greater"),
        (lambda p: p["recipes"].update(e=EASE | {"dropout": 1.0}), "recipes.e.dropout", "less than 1"),
        (lambda p: p["recipes"].update(e=EASE | {"diagonal": "none"}), "recipes.e.diagonal", "'zero' or 'free'"),
        (lambda p: p["recipes"].update(e=EASE | {"neighbours": 0}), "recipes.e.neighbours", "greater"),
        (lambda p: p["recipes"]["blend"].update(tuned_at=0), "recipes.blend.tuned_at", "greater"),
        (lambda p: p["recipes"].update({"a; rm -rf /": p["recipes"]["als"]}), "", "recipe name"),
        (lambda p: p["recipes"].pop("popular"), "", "popular"),
        (lambda p: p["economics"]["elasticity"].update(median=float("nan")), "economics.elasticity.median", "finite"),
        (lambda p: p["gate"].update(alpha=0.9), "gate.alpha", "less"),
        (lambda p: p["lists"].update(n_items=5), "", "evaluation.k is 20 and lists.n_items is 5"),
        (lambda p: p["evaluation"].update(k=10), "", "evaluation.k is 10 and lists.n_items is 20"),
        (lambda p: p.update(seed=True), "seed", "integer"),
    ],
)
def test_a_fault_is_named_by_its_dotted_path(
    change: Callable[[dict[str, Any]], object], path: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError) as caught:
        load_params(_with(change, tmp_path))
    message = str(caught.value)
    assert f"{path} = " in message
    assert says in message
    assert "\n" not in message


def test_own_favourites_need_a_target_that_allows_known_items(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["split"]["target"] = "any"
        raw["recipes"]["again"] = REPEAT

    assert load_params(_with(change, tmp_path)).recipes["again"].family == "repeat"


def test_yaml_tags_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("seed: !!python/object/apply:os.system ['touch hacked']\n")
    with pytest.raises(ParamsError, match="is not YAML"):
        load_params(path)
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("text", ["", "[1, 2]", "just words", "\xff"])
def test_a_file_of_another_kind_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(ParamsError):
        load_params(path)


def test_a_blend_carries_the_hyperparameters_of_the_recipes_that_it_names() -> None:
    recipes = load_params(ROOT / "params.yaml").recipes
    blend = recipes["blend"]
    assert isinstance(blend, BlendParams)
    assert blend.member_recipes == tuple(recipes[name] for name in blend.members)


def test_values_round_trip() -> None:
    params = load_params(ROOT / "params.yaml")
    assert Params.model_validate(params.model_dump()) == params


def test_hours_come_from_the_families_and_params_yaml_overrides_them(tmp_path: Path) -> None:
    def change(raw: dict[str, Any]) -> None:
        raw["economics"]["maintenance_hours_per_year"] = {"als": 7.5, "bpr": 1}

    economics = load_params(_with(change, tmp_path)).economics
    recipes = load_params(ROOT / "params.yaml").recipes.values()
    upkeep = {recipe.family: float(FAMILIES[recipe.family].hours.upkeep) for recipe in recipes}
    switching = {recipe.family: float(FAMILIES[recipe.family].hours.switching) for recipe in recipes}
    assert economics.maintenance_hours_per_year == upkeep | {"als": 7.5, "bpr": 1.0}
    assert economics.switching_hours == switching
