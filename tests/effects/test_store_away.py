"""MLflow's own store locked or damaged: the night waits in the outbox as for a server that is away; doctor says so."""

import dataclasses
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipeline.doctor import registry
from pipeline.effects import promote, record
from pipeline.stages.context import Context
from pipeline.state.outbox import waiting
from pipeline.tracking import probe
from pipeline.tracking.replay import replay
from tests.doctor.looking import only
from tests.stages.nights import plant_night


@pytest.fixture
def context(tmp_path: Path, migrated: Path) -> Context:
    store = tmp_path / "mlflow" / "mlflow.db"
    store.parent.mkdir()
    shutil.copyfile(migrated, store)
    return plant_night(tmp_path)


def store_of(context: Context) -> Path:
    return context.settings.workspace / "mlflow" / "mlflow.db"


@pytest.mark.parametrize(
    "damage",
    [
        lambda whole: b"no database" * 500,
        lambda whole: whole[: len(whole) // 2],
        lambda whole: whole[:100] + b"\xff" * (len(whole) - 100),
    ],
    ids=["another file", "half of it", "only its header"],
)
def test_a_damaged_store_is_one_line_and_the_night_waits_until_it_is_mended(
    context: Context, migrated: Path, damage: object
) -> None:
    store_of(context).write_bytes(damage(store_of(context).read_bytes()))  # type: ignore[operator]
    said = record.run(context)
    assert said.startswith("the record of 2026-02-12 waits in the outbox: MLflow's store ")
    assert "is damaged" in said
    assert "\n" not in said
    assert "waits in the outbox" in promote.run(context)
    assert len(waiting(context.settings.state)) == 2
    finding = only(registry.look(context.settings))
    assert (finding.level, "is damaged" in finding.found) == ("fail", True)
    shutil.copyfile(migrated, store_of(context))
    done = replay(context.settings)
    assert (done.error, len(done.delivered)) == (None, 2)


def test_a_locked_store_is_away_for_as_long_as_it_is_locked(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe.probe, "__kwdefaults__", {"seconds": 0.1})
    with closing(sqlite3.connect(store_of(context), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "cannot be written: database is locked" in record.run(context)
        assert only(registry.look(context.settings)).level == "warn"
        other.execute("ROLLBACK")
    assert dataclasses.asdict(replay(context.settings))["error"] is None
