"""Which definition is champion when a night opens: what the gate chose last, as far as it can be known and fitted."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipeline.configuration import Params
from pipeline.nightly.champion import UNKNOWN, standing_champion
from pipeline.recommenders.family import FamilyParams
from pipeline.stages.champion import Standing
from pipeline.stages.definitions import definition_of
from pipeline.stages.layout import Layout
from pipeline.state.choices import last_choice
from pipeline.state.ledger import ANALYSES
from pipeline.state.rows import append
from pipeline.storage.tables import read_json, write_json
from tests.stages import small_night

ROOT = Path(__file__).resolve().parents[2]
PARAMS = small_night.PARAMS
AS_OF = small_night.AS_OF
ALS, KNN = PARAMS.recipes["als"], PARAMS.recipes["item_knn"]
OTHER_CODE = "f" * 16


def changed(change: Callable[[dict[str, Any]], object]) -> Params:
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    change(raw)
    return Params.model_validate(raw)


MORE_FACTORS = changed(lambda raw: raw["recipes"]["als"].update(factors=128))


def serve(root: Path, name: str, recipe: FamilyParams, definition: str | None = None) -> None:
    """night/served of a release, with the description of its model."""
    served = Layout(root).served
    identity = {"release": "r-1", "recipe": name, "family": recipe.family, "as_of": "2026-03-07"}
    write_json(served / "served.json", identity | ({} if definition is None else {"definition": definition}))
    described = recipe.model_dump(mode="json")
    model = {"format": 1, "family": described.pop("family"), "params": described, "n_listeners": 0, "n_items": 0}
    write_json(served / "model" / "model.json", {**model, "arrays": {}, "matrices": {}})


def choose(
    root: Path, name: str, recipe: FamilyParams | None = None, definition: str | None = None, day: int = 7
) -> None:
    """An analysis of a night in March; without a recipe and a definition, as earlier versions entered it."""
    entry: dict[str, Any] = {"as_of": f"2026-03-{day:02}", "inputs": name, "gate_recipe": name}
    if recipe is not None:
        entry |= {"definition": definition_of(recipe), "gate_parameters": recipe.model_dump(mode="json")}
    if definition is not None:
        entry["definition"] = definition
    append(root / "state", ANALYSES, entry)


def champion(root: Path, params: Params = PARAMS) -> Standing | None:
    return standing_champion(root / "state", Layout(root).served, params, as_of=AS_OF)


def fitted(name: str, recipe: FamilyParams) -> Standing:
    return Standing(name, definition_of(recipe), frozen=False, parameters=recipe.model_dump(mode="json"))


def test_before_the_first_release_there_is_none(tmp_path: Path) -> None:
    small_night.serve_nothing(tmp_path)
    assert champion(tmp_path) is None
    choose(tmp_path, "als", ALS)
    assert champion(tmp_path) is None


def test_it_is_what_the_gate_chose_last(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS, definition_of(ALS))
    choose(tmp_path, "item_knn", KNN, day=5)
    choose(tmp_path, "als", ALS, day=6)
    choose(tmp_path, "item_knn", KNN, day=8)  # the night itself, which is run again
    assert champion(tmp_path) == fitted("als", ALS)


def test_other_hyperparameters_in_params_yaml_leave_it_as_it_was(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS, definition_of(ALS))
    choose(tmp_path, "als", ALS)
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", ALS)


def test_a_new_definition_that_was_promoted_is_champion_under_the_same_name(tmp_path: Path) -> None:
    new = MORE_FACTORS.recipes["als"]
    serve(tmp_path, "als", new, definition_of(new))
    choose(tmp_path, "als", ALS, day=6)
    choose(tmp_path, "als", new, day=7)
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", new)


@pytest.mark.parametrize("name", ["als", "als-champion"])
def test_a_carried_recipe_is_known_by_its_own_name(tmp_path: Path, name: str) -> None:
    serve(tmp_path, "als", ALS, definition_of(ALS))
    choose(tmp_path, name, ALS)
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", ALS)


def test_a_ledger_and_a_release_of_earlier_versions_give_the_served_hyperparameters(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS)
    choose(tmp_path, "als")
    assert champion(tmp_path) == fitted("als", ALS)
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", ALS)


def test_without_a_ledger_it_is_what_is_served(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS, definition_of(ALS))
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", ALS)


@pytest.mark.parametrize("params", [PARAMS, MORE_FACTORS], ids=["same hyperparameters", "other ones"])
def test_a_definition_of_other_code_is_frozen(tmp_path: Path, params: Params) -> None:
    serve(tmp_path, "als", ALS, OTHER_CODE)
    choose(tmp_path, "als", ALS, definition=OTHER_CODE)
    assert champion(tmp_path, params) == Standing("als", OTHER_CODE, True, ALS.model_dump(mode="json"))


def test_code_that_params_yaml_can_be_fitted_with_again_thaws_it(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS, definition_of(ALS))
    choose(tmp_path, "als", definition=definition_of(ALS))  # a frozen champion is entered without hyperparameters
    assert champion(tmp_path) == fitted("als", ALS)


def test_a_champion_that_an_override_hides_is_fitted_from_the_ledger(tmp_path: Path) -> None:
    serve(tmp_path, "item_knn", KNN, definition_of(KNN))
    choose(tmp_path, "als", ALS)
    assert champion(tmp_path) == fitted("als", ALS)
    assert champion(tmp_path, MORE_FACTORS) == fitted("als", ALS)


def test_a_champion_that_can_be_neither_fitted_nor_measured_gives_way_to_what_is_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(tmp_path, "item_knn", KNN, definition_of(KNN))
    choose(tmp_path, "als", ALS, definition=OTHER_CODE)
    assert champion(tmp_path) == fitted("item_knn", KNN)
    assert capsys.readouterr().err == (
        "netgain: the champion als can be neither fitted nor measured any more: what is served, item_knn, takes its "
        "place\n"
    )


def test_a_family_that_the_code_has_no_more_is_frozen(tmp_path: Path) -> None:
    serve(tmp_path, "als", ALS)
    model = Layout(tmp_path).served / "model" / "model.json"
    write_json(model, read_json(model) | {"family": "gone"})
    choose(tmp_path, "als")
    without = changed(
        lambda raw: (raw["recipes"].pop("als"), raw["recipes"]["blend"].update(members=["item_knn", "rp3beta"]))
    )
    assert champion(tmp_path, without) == Standing("als", UNKNOWN, True, None)


def test_the_last_choice_is_the_last_of_the_latest_night(tmp_path: Path) -> None:
    assert last_choice(tmp_path / "state", as_of=AS_OF) is None
    for name, day in (("a", 6), ("b", 7), ("c", 7), ("d", 5), ("e", 8)):
        choose(tmp_path, name, day=day)
    found = last_choice(tmp_path / "state", as_of=AS_OF)
    assert found is not None
    assert found["gate_recipe"] == "c"
    assert last_choice(tmp_path / "state", as_of=dt.date(2026, 3, 5)) is None
