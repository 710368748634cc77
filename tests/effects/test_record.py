"""The record of nights, in a real MLflow on SQLite."""

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from pipeline.effects import promote, publish, record
from pipeline.stages.context import Context
from pipeline.state.outbox import waiting
from pipeline.tracking import runs as tracking
from pipeline.tracking.client import EXPERIMENT, without_secrets
from pipeline.tracking.runs import NotRecorded
from pipeline.tracking.views import VIEW_TAG
from tests.stages.nights import ACCURACY, plant_night


class Store:
    """What is in the store of a night."""

    def __init__(self, context: Context) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(context.settings.mlflow_uri)

    def runs(self, query: str = "") -> list[Any]:
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        assert experiment is not None
        return list(self.client.search_runs([experiment.experiment_id], query, order_by=["attributes.run_name ASC"]))

    def names(self) -> list[str]:
        return [run.info.run_name for run in self.runs()]

    def aliases(self) -> dict[str, str]:
        return {k: str(v) for k, v in self.client.get_registered_model(tracking.MODEL).aliases.items()}


def with_store(root: Path, migrated: Path) -> Path:
    (root / "mlflow").mkdir()
    shutil.copyfile(migrated, root / "mlflow" / "mlflow.db")
    return root


@pytest.fixture
def root(tmp_path: Path, migrated: Path) -> Path:
    return with_store(tmp_path, migrated)


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Context:
    context = plant_night(with_store(tmp_path_factory.mktemp("night"), migrated))
    record.run(context)
    return context


def test_a_night_is_a_run_with_a_child_for_each_recipe(night: Context) -> None:
    store = Store(night)
    parent = store.runs("tags.champion = 'popular'")[0]
    children = store.runs(f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'")
    assert parent.info.run_name == "2026-02-12 PROMOTE als"
    assert [run.info.run_name for run in children] == [f"2026-02-12 · {recipe}" for recipe in sorted(ACCURACY)]
    assert {run.info.status for run in [parent, *children]} == {"FINISHED"}
    told = {name: parent.data.tags[name] for name in ("as_of", "recipe", "verdict", "challenger", "model_source")}
    assert told == {
        "as_of": "2026-02-12", "recipe": "als", "verdict": "PROMOTE", "challenger": "als", "model_source": "refit",
    }  # fmt: skip


def test_a_recipe_has_its_params_accuracy_cost_data_and_files(night: Context) -> None:
    store = Store(night)
    run = store.runs("tags.recipe = 'als' and tags.role = 'promoted'")[0]
    assert (run.data.params["factors"], run.data.params["seeds"]) == ("64", "3")
    metrics = run.data.metrics
    assert metrics["ndcg_at_20"] == 0.11
    assert metrics["gain_percent"] == pytest.approx(100 * (0.11 - 0.05) / 0.05)
    assert metrics["cpu_seconds"] == pytest.approx(3.2 + 0.5)
    assert metrics["slice/light ndcg_at_20"] == pytest.approx(0.11 * 0.9)
    seeds = store.client.get_metric_history(run.info.run_id, "seed/ndcg_at_20")
    assert [(m.step, m.value) for m in seeds] == [(0, 0.108), (1, 0.11), (2, 0.112)]
    assert run.inputs.dataset_inputs[0].dataset.name == "plays before 2026-02-05"
    files = {file.path for file in store.client.list_artifacts(run.info.run_id)}
    assert files == {"als.json", "fit-als.json", "score-als.json", "heldout_model"}


def test_the_night_has_its_decision_plots_model_and_a_description_for_people(night: Context) -> None:
    store = Store(night)
    parent = store.runs("tags.champion = 'popular'")[0]
    files = {
        f.path for folder in ("", "plots", "model") for f in store.client.list_artifacts(parent.info.run_id, folder)
    }
    assert {"decision.json", "ingest.json", "validation.json", "audit.json", "model/model.json"} <= files
    assert {"plots/accuracy_against_cost.png", "plots/accuracy_by_slice.png", "plots/accuracy_by_seed.png"} <= files
    note = parent.data.tags["mlflow.note.content"]
    assert "> PROMOTED als over popular" in note
    assert "| **als** | 0.1100 | +120.0 % (+112.0 to +128.0) |" in note
    assert "1,000 read = 970 accepted + 20 duplicate + 10 quarantined" in note
    assert VIEW_TAG in store.client.get_experiment_by_name(EXPERIMENT).tags


def test_the_registered_model_is_a_plain_folder_without_a_pickle(night: Context) -> None:
    version = Store(night).client.get_model_version(tracking.MODEL, "1")
    assert version.source.endswith("/model")
    assert version.tags["recipe"] == "als"
    stored = [path.name for path in night.settings.mlflow_artifacts.rglob("*") if path.is_file()]
    assert "model.json" in stored
    assert not [name for name in stored if name.endswith((".pkl", ".pickle", ".joblib"))]


def test_recording_again_writes_nothing_and_costs_next_to_nothing(night: Context) -> None:
    before, started = Store(night).names(), time.monotonic()
    assert record.run(night) == "the night 2026-02-12 is already in MLflow"
    assert time.monotonic() - started < 1
    assert Store(night).names() == before


def test_recording_again_writes_nothing_where_the_store_cannot_be_looked_into(
    night: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Store(night).names()
    monkeypatch.setattr(record, "find_recorded", lambda *_: False)
    assert record.run(night) == "the night 2026-02-12 is already in MLflow"
    assert Store(night).names() == before


def test_a_night_that_came_to_something_else_is_another_run(root: Path) -> None:
    record.run(plant_night(root))
    again = plant_night(root, verdict="KEEP", served="popular", model="other")
    record.run(again)
    assert len(Store(again).runs("tags.champion = 'popular'")) == 2


@pytest.mark.parametrize("step", ["start_run", "_register"])
def test_a_half_written_record_is_replaced(root: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    context, whole, calls = plant_night(root), getattr(tracking, step), []

    def crash(*arguments: Any) -> Any:
        calls.append(arguments)
        result = whole(*arguments)
        if step == "_register" or len(calls) == 3:
            raise KeyboardInterrupt
        return result

    with monkeypatch.context() as patch:
        patch.setattr(tracking, step, crash)
        with pytest.raises(KeyboardInterrupt):
            record.run(context)
    record.run(context)
    store = Store(context)
    assert store.names() == ["2026-02-12 PROMOTE als", *(f"2026-02-12 · {r}" for r in sorted(ACCURACY))]
    assert {run.info.status for run in store.runs()} == {"FINISHED"}
    assert len(store.client.search_model_versions(f"name = '{tracking.MODEL}'")) == 1


def test_figures_that_are_undefined_are_left_out_and_named(root: Path) -> None:
    context = plant_night(root, verdict="INVALID", served="popular", undefined=True)
    record.run(context)
    store = Store(context)
    parent = store.runs("tags.verdict = 'INVALID' and tags.challenger = 'none'")[0]
    assert parent.info.run_name == "2026-02-12 INVALID popular"
    assert "ndcg_at_20" not in parent.data.metrics
    assert "ndcg_at_20" in parent.data.tags["undefined"]
    assert all(abs(value) < 1e300 for run in store.runs() for value in run.data.metrics.values())


def test_aliases_follow_what_is_served_and_move_only_then(root: Path) -> None:
    nights = [
        ("2026-02-11", "item_knn", "k1", {"champion": "1"}),
        ("2026-02-12", "als", "a1", {"champion": "2", "previous": "1"}),
        ("2026-02-13", "als", "a1", {"champion": "2", "previous": "1"}),  # the same model, kept
        ("2026-02-14", "als", "a2", {"champion": "3", "previous": "2"}),
    ]
    for as_of, served, model, expected in nights:
        context = plant_night(root, as_of, served=served, model=model)
        record.run(context)
        for _ in range(2):
            promote.run(context)
            assert Store(context).aliases() == expected


def test_a_backfilled_night_does_not_take_the_alias_back(root: Path) -> None:
    for as_of, model in (("2026-02-14", "new"), ("2026-02-11", "old")):
        context = plant_night(root, as_of, model=model)
        record.run(context)
        assert "version 1" in promote.run(context)
    assert Store(context).aliases() == {"champion": "1"}


def test_promoting_a_night_that_was_not_recorded_says_so(root: Path) -> None:
    context = plant_night(root)
    with pytest.raises(NotRecorded, match="not in the registry"):
        promote.run(context)
    assert not waiting(context.settings.ledger)


def test_the_run_names_the_release_that_is_then_published(night: Context) -> None:
    said = publish.run(night)
    assert Store(night).runs("tags.champion = 'popular'")[0].data.tags["release"] in said


def test_secrets_are_cut_out_of_addresses() -> None:
    assert without_secrets("https://me:pa55@host:5000/x") == "https://host:5000/x"
