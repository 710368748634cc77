"""night/champion.yaml: the champion's definition, whatever params.yaml has under its name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from pipeline.configuration import Params
from pipeline.effects import publish
from pipeline.errors import ParamsError
from pipeline.gate.champion import ChampionDefinition, carried_name, is_carried, own_name
from pipeline.params.base import RECIPE_NAME
from pipeline.recommenders.family import FamilyParams
from pipeline.releases.release import current, snapshot_served
from pipeline.settings import load_settings
from pipeline.stages import evaluate_champion, fit_champion
from pipeline.stages.champion import Standing, on_record, read_champion, write_champion
from pipeline.stages.context import Context
from pipeline.stages.definitions import definition_of
from pipeline.stages.fingerprints import definitions
from pipeline.stages.layout import Layout
from pipeline.storage.tables import read_json, write_json
from tests.stages import small_night
from tests.stages.nights import plant_night

PARAMS = small_night.PARAMS
ROOT = Path(__file__).resolve().parents[2]


def changed(change: Callable[[dict[str, Any]], object]) -> Params:
    raw: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    change(raw)
    return Params.model_validate(raw)


def standing(recipe: FamilyParams, name: str, *, frozen: bool = False) -> Standing:
    return Standing(name, definition_of(recipe), frozen, recipe.model_dump(mode="json"))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return Layout(tmp_path).champion


def test_no_name_of_params_yaml_is_that_of_a_carried_recipe() -> None:
    assert not RECIPE_NAME.fullmatch(carried_name("a"))
    assert own_name(carried_name("als")) == own_name("als") == "als"
    assert is_carried("als-champion")
    assert not is_carried("als")
    with pytest.raises(ValueError, match="recipe name"):
        changed(lambda raw: raw["recipes"].update({carried_name("als"): raw["recipes"]["als"]}))


@pytest.mark.parametrize("name", ["served", "earlier"])
def test_a_recipe_cannot_have_the_name_of_another_file_of_the_night(name: str) -> None:
    with pytest.raises(ValueError, match=f"'{name}' is that of a file of the night"):
        changed(lambda raw: raw["recipes"].update({name: raw["recipes"]["als"]}))


def test_without_a_champion_the_file_is_empty_and_the_recipes_are_those_of_params_yaml(path: Path) -> None:
    assert read_champion(path, PARAMS) == (PARAMS, None)
    write_champion(path, None)
    assert yaml.safe_load(path.read_text(encoding="utf-8")) == {}
    assert read_champion(path, PARAMS) == (PARAMS, None)


@pytest.mark.parametrize("name", ["als", "blend", "popular"])
def test_a_champion_that_params_yaml_has_is_not_carried(path: Path, name: str) -> None:
    write_champion(path, standing(PARAMS.recipes[name], name))
    params, champion = read_champion(path, PARAMS)
    assert params == PARAMS
    assert champion == ChampionDefinition(name, definition_of(PARAMS.recipes[name]))
    assert champion.name == name


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw["recipes"]["als"].update(factors=128),
        lambda raw: raw["recipes"].update(als=raw["recipes"]["item_knn"]),
        lambda raw: (raw["recipes"].pop("als"), raw["recipes"]["blend"].update(members=["item_knn", "rp3beta"])),
    ],
    ids=["other hyperparameters", "another family", "gone"],
)
def test_a_champion_that_params_yaml_has_changed_is_a_recipe_of_the_night_beside_the_new_one(
    path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    write_champion(path, standing(PARAMS.recipes["als"], "als"))
    tonight = changed(change)
    params, champion = read_champion(path, tonight)
    old = definition_of(PARAMS.recipes["als"])
    assert champion == ChampionDefinition("als", old, carried_as="als-champion")
    assert champion.name == "als-champion"
    assert params.recipes["als-champion"] == PARAMS.recipes["als"]
    assert params.recipes.get("als") == tonight.recipes.get("als")
    assert definitions(params)["als-champion"] == old
    assert definitions(params).get("als") != old
    assert "als-champion" not in tonight.recipes
    assert params.economics.switching_hours["als"] == PARAMS.economics.switching_hours["als"]


def test_a_blend_whose_member_has_changed_is_carried_with_the_member_as_it_was(path: Path) -> None:
    write_champion(path, standing(PARAMS.recipes["blend"], "blend"))
    params, champion = read_champion(path, changed(lambda raw: raw["recipes"]["als"].update(factors=128)))
    assert champion is not None
    assert champion.carried_as == "blend-champion"
    assert params.recipes["blend-champion"].model_dump()["member_recipes"][0]["factors"] == 64
    assert params.recipes["blend"].model_dump()["member_recipes"][0]["factors"] == 128


def test_hyperparameters_that_change_after_the_opening_are_a_challengers_as_in_an_experiment(path: Path) -> None:
    write_champion(path, standing(PARAMS.recipes["als"], "als"))
    assert read_champion(path, PARAMS)[1] == ChampionDefinition("als", definition_of(PARAMS.recipes["als"]))
    experiment = changed(lambda raw: raw["recipes"]["als"].update(regularization=99.0))
    assert read_champion(path, experiment)[0].recipes["als-champion"] == PARAMS.recipes["als"]


def test_a_frozen_champion_is_no_recipe_of_the_night(path: Path) -> None:
    without = changed(lambda raw: raw["recipes"].pop("spark_als"))
    write_champion(path, replace(standing(PARAMS.recipes["spark_als"], "spark_als", frozen=True), definition="0" * 16))
    params, champion = read_champion(path, without)
    assert champion == ChampionDefinition("spark_als", "0" * 16, frozen=True)
    assert champion.name == "spark_als-champion"
    assert params.recipes == without.recipes
    assert "spark_als" in params.economics.maintenance_hours_per_year  # its upkeep is still paid for
    write_champion(path, Standing("als", "unknown", frozen=True, parameters=None))
    assert read_champion(path, PARAMS) == (PARAMS, ChampionDefinition("als", "unknown", frozen=True))


@pytest.mark.parametrize(
    "text", ["[", "als", "{recipe: als}", "{recipe: a, definition: b, frozen: false, parameters: {family: gone}}", ""]
)
def test_a_damaged_file_is_refused_in_one_line(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParamsError, match=r"champion.yaml names no champion: .* Open the night again") as caught:
        read_champion(path, PARAMS)
    assert "\n" not in str(caught.value)


def night(root: Path, champion: Standing | None) -> Context:
    """The small night, with a champion; fits run in this process."""
    small_night.plant(root)
    small_night.write_fold(Layout(root).tuning, small_night.TRAIN)
    write_champion(Layout(root).champion, champion)
    plain = small_night.context(root)
    params, found = read_champion(plain.layout.champion, plain.params)
    settings = load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=root)
    return replace(plain, params=params, champion=found, settings=settings)


def test_the_stages_of_a_champion_that_params_yaml_has_write_empty_files(tmp_path: Path) -> None:
    context = night(tmp_path, standing(PARAMS.recipes["popular"], "popular"))
    assert "nothing to fit" in fit_champion.run(context)
    assert "nothing to measure" in evaluate_champion.run(context)
    written(fit_champion.STAGE.outs, tmp_path)
    written((*evaluate_champion.STAGE.outs, *evaluate_champion.STAGE.metrics), tmp_path)
    layout = context.layout
    assert list(layout.model("x-champion").iterdir()) == []
    assert read_json(layout.fit_cost("x-champion"))["fits"] == []
    assert pq.read_metadata(layout.evaluation("x-champion")).num_rows == 0


def written(outs: tuple[Path, ...], root: Path) -> None:
    assert [out for out in outs if not (root / out).exists()] == []


def test_a_carried_champion_is_fitted_and_measured_like_any_recipe(tmp_path: Path) -> None:
    old = PARAMS.recipes["popular"].model_copy(update={"window_days": 300})
    context = night(tmp_path, standing(old, "popular"))
    assert fit_champion.run(context).startswith("popular-champion: 1 fit")
    assert evaluate_champion.run(context).startswith("popular-champion: NDCG@2")
    layout = context.layout
    model = read_json(layout.model("popular-champion") / "seed-0" / "model.json")
    assert (model["family"], model["params"]["window_days"]) == ("popular", 300)
    assert read_json(layout.metrics("popular-champion"))["n_eligible"] == 4
    assert read_json(layout.fit_cost("popular-champion"))["recipe"] == "popular-champion"
    written((*evaluate_champion.STAGE.outs, *evaluate_champion.STAGE.metrics), tmp_path)


def test_the_ledger_knows_a_champion_by_its_own_name_and_definition(path: Path) -> None:
    write_champion(path, standing(PARAMS.recipes["als"], "als"))
    params, champion = read_champion(path, changed(lambda raw: raw["recipes"]["als"].update(factors=128)))
    old, new = (definition_of(params.recipes[name]) for name in ("als-champion", "als"))
    kept, promoted = on_record(params, champion, "als-champion"), on_record(params, champion, "als")
    assert (kept["gate_recipe"], kept["definition"], kept["gate_parameters"]["factors"]) == ("als", old, 64)
    assert (promoted["gate_recipe"], promoted["definition"], promoted["gate_parameters"]["factors"]) == (
        "als",
        new,
        128,
    )
    frozen = ChampionDefinition("als", "0" * 16, frozen=True)
    assert on_record(PARAMS, frozen, frozen.name) == {
        "gate_recipe": "als", "definition": "0" * 16, "gate_parameters": None
    }  # fmt: skip


def test_a_release_names_its_recipe_and_its_definition(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    publish.run(context)
    release = current(context.settings.releases)
    assert (release.recipe, release.manifest["definition"]) == ("als", definitions(context.params)["als"])
    snapshot_served(context.settings.releases, context.as_of.replace(day=13), context.layout.served)
    assert read_json(context.layout.served / "served.json")["definition"] == release.manifest["definition"]


def test_a_release_of_the_carried_champion_has_its_own_name(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    old = PARAMS.recipes["als"].model_copy(update={"factors": 32})
    write_champion(context.layout.champion, standing(old, "als"))
    params, champion = read_champion(context.layout.champion, context.params)
    context = replace(context, params=params, champion=champion)
    decision = read_json(context.layout.decision)
    write_json(context.layout.decision, decision | {"serve": {"source": "refit", "recipe": "als-champion"}})
    write_json(context.layout.model("als-champion") / "seed-0" / "model.json", {"family": "als", "params": {}})
    publish.run(context)
    release = current(context.settings.releases)
    assert (release.recipe, release.manifest["definition"]) == ("als", definition_of(old))
    heldout = (release.heldout / "model.json").read_bytes()
    assert heldout == (context.layout.model("als-champion") / "seed-0" / "model.json").read_bytes()


def test_a_release_of_a_model_that_is_kept_has_the_definition_of_the_one_before(tmp_path: Path) -> None:
    context = plant_night(tmp_path, verdict="KEEP", champion="als", served="als", source="served")
    publish.run(context)
    assert current(context.settings.releases).manifest["definition"] == "0" * 16
