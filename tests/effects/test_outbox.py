"""MLflow away: refused, silent, or stopping half-way; then a real server on loopback, and a replay."""

import dataclasses
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.mlflow_servers import free_port, listening, serving
from pipeline.effects import promote, record
from pipeline.effects.record import model_digest
from pipeline.stages.context import Context
from pipeline.state.outbox import put, waiting
from pipeline.tracking.client import EXPERIMENT
from pipeline.tracking.replay import replay
from pipeline.tracking.runs import MODEL, champion_of
from tests.stages.nights import ACCURACY, plant_night

NIGHTS = ("2026-02-12", "2026-02-13")
RUNS = 1 + len(ACCURACY)
MOST = 30
"""Seconds that MLflow may add to a night."""


def at(context: Context, uri: str, seconds: float = 20) -> Context:
    settings = dataclasses.replace(context.settings, mlflow_uri=uri, mlflow_seconds=seconds)
    return dataclasses.replace(context, settings=settings)


@pytest.fixture
def refused() -> str:
    return f"http://name:secret@127.0.0.1:{free_port()}"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    shutil.copyfile(migrated, folder / "mlflow.db")
    with serving(folder) as uri:
        yield uri


class Store:
    """What a server holds of some nights."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient

        self.client = MlflowClient(uri)

    def runs(self, query: str = "") -> list[Any]:
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        return [] if experiment is None else list(self.client.search_runs([experiment.experiment_id], query))

    def of(self, as_of: str) -> list[Any]:
        return self.runs(f"tags.as_of = '{as_of}'")

    def night(self, as_of: str) -> Any:
        (run,) = self.runs(f"tags.as_of = '{as_of}' and tags.champion = 'popular'")
        return run

    def files(self, run: Any) -> set[str]:
        folders = ("", "plots", "model")
        return {file.path for path in folders for file in self.client.list_artifacts(run.info.run_id, path)}


def kinds(context: Context) -> list[tuple[str, str]]:
    return [(entry.as_of, entry.kind) for entry in waiting(context.settings.ledger)]


def test_a_server_that_refuses_costs_seconds_and_one_line_and_the_night_waits_once(
    tmp_path: Path, refused: str
) -> None:
    context = at(plant_night(tmp_path), refused)
    for _ in range(2):
        started = time.monotonic()
        said = [record.run(context), promote.run(context)]
        assert time.monotonic() - started < MOST / 2
        assert said[0].startswith("the record of 2026-02-12 waits in the outbox: MLflow at http://127.0.0.1:")
        assert said[1] == "the alias of 2026-02-12 waits in the outbox, behind what is there"
        assert "secret" not in said[0]
        assert "\n" not in said[0]
        assert kinds(context) == [("2026-02-12", "record"), ("2026-02-12", "promote")]


@pytest.mark.parametrize(("n_answers", "seconds"), [(0, 20), (1, 4)], ids=["black hole", "stops after the first"])
def test_a_server_that_falls_silent_is_not_waited_for(tmp_path: Path, n_answers: int, seconds: float) -> None:
    planted = plant_night(tmp_path)
    with listening(n_answers=n_answers) as uri:
        context, started = at(planted, uri, seconds), time.monotonic()
        said = [record.run(context), promote.run(context)]
        assert time.monotonic() - started < MOST / 2
    assert all("waits in the outbox" in line for line in said)
    assert kinds(context) == [("2026-02-12", "record"), ("2026-02-12", "promote")]


def test_what_waited_is_replayed_in_order_and_once_and_a_damaged_entry_holds_nobody_up(
    tmp_path: Path, refused: str, server: str
) -> None:
    (tmp_path / "lists.txt").touch()
    files = {"files/lists.txt": tmp_path / "lists.txt"}
    damaged = put(plant_night(tmp_path).settings.ledger, "record", "2026-02-11-damaged", {}, files)
    (damaged.folder / "files" / "lists.txt").unlink()
    for as_of in NIGHTS:
        context = at(plant_night(tmp_path, as_of, model=as_of), refused)
        record.run(context)
        promote.run(context)
    back, store = at(context, server).settings, Store(server)
    done = [replay(back) for _ in range(2)]
    assert [len(each.delivered) for each in done] == [4, 0]
    assert all(damaged.folder.name in str(each.error) for each in done)
    assert waiting(back.ledger) == (damaged,)
    assert [len(store.of(as_of)) for as_of in NIGHTS] == [RUNS, RUNS]
    assert {run.info.status for as_of in NIGHTS for run in store.of(as_of)} == {"FINISHED"}
    models = {str(version.version): version.tags["as_of"] for version in store.client.search_model_versions()}
    aliases = store.client.get_registered_model(MODEL).aliases
    assert {alias: models[str(version)] for alias, version in aliases.items()} == {
        "previous": NIGHTS[0],
        "champion": NIGHTS[1],
    }
    assert champion_of(back, model_digest(context.layout.final_model)) == (str(aliases["champion"]), True)
    assert champion_of(back, "another") == (str(aliases["champion"]), False)


def test_the_next_night_takes_along_what_waits_and_both_say_the_same(tmp_path: Path, refused: str, server: str) -> None:
    record.run(at(plant_night(tmp_path, "2026-05-01"), refused))
    made_at = time.time()
    said = record.run(at(plant_night(tmp_path, "2026-05-02"), server, 2 * MOST))
    assert said == "2026-05-02 PROMOTE als: recorded with 6 recipes (and 1 more from the outbox)"
    store = Store(server)
    late, straight = (store.night(f"2026-05-0{day}") for day in (1, 2))
    aged = {"monitor/lists_age_days"}  # the same release, a day later
    assert {n: v for n, v in late.data.metrics.items() if n not in aged} == {
        n: v for n, v in straight.data.metrics.items() if n not in aged
    }
    assert late.data.params | {"as_of": "2026-05-02"} == straight.data.params
    assert store.files(late) == store.files(straight)
    assert store.files(late) > {"decision.json", "model/model.json", "plots/accuracy_by_seed.png"}
    assert late.info.end_time <= 1000 * made_at < straight.info.end_time


def test_a_replay_killed_before_the_run_is_finished_leaves_one_record(
    tmp_path: Path, refused: str, server: str
) -> None:
    context = at(plant_night(tmp_path, "2026-04-01"), refused)
    record.run(context)
    store, environment = Store(server), os.environ | {"NETGAIN_MLFLOW_URI": server}
    command = [str(Path(sys.executable).parent / "netgain"), "outbox", "replay"]
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL)
    while not store.of("2026-04-01"):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert "RUNNING" in {run.info.status for run in store.of("2026-04-01")}
    said = list(replay(at(context, server).settings).delivered.values())
    assert said == ["2026-04-01 PROMOTE als: recorded with 6 recipes"]
    assert [run.info.status for run in store.of("2026-04-01")] == ["FINISHED"] * RUNS


def test_what_a_crash_left_of_an_entry_is_no_entry(tmp_path: Path) -> None:
    orphan = tmp_path / "outbox" / ".tmp-000001-record-2026-02-11-half"
    orphan.mkdir(parents=True)
    assert waiting(tmp_path) == ()
    put(tmp_path, "promote", "2026-02-12-whole", {"digest": "d"}, {})
    assert [path.name for path in (tmp_path / "outbox").iterdir()] == ["000001-promote-2026-02-12-whole"]
