"""Outbox and registry, with the real MLflow."""

import shutil
from dataclasses import replace
from pathlib import Path

from pipeline.doctor import outbox, registry
from pipeline.effects import promote, publish, record
from pipeline.releases.rollback import TABLE as ROLLBACKS
from pipeline.releases.rollback import roll_back
from pipeline.settings import Settings
from pipeline.state.outbox import put, waiting
from pipeline.state.rows import transaction
from tests.doctor.looking import only, repaired
from tests.stages.nights import plant_night


def test_what_waits_is_delivered_and_champion_follows_a_rollback_and_a_move_behind_our_back(
    tmp_path: Path, migrated: Path
) -> None:
    from mlflow import MlflowClient

    nights = [plant_night(tmp_path, f"2026-02-1{n}", model=f"weights {n}") for n in (2, 3)]
    settings = nights[1].settings
    away = replace(settings, mlflow_uri="http://127.0.0.1:9")
    assert only(registry.look(settings)).found == "not looked at: nothing whole is served"
    for n in (2, 3):
        night = replace(plant_night(tmp_path, f"2026-02-1{n}", model=f"weights {n}"), settings=away)
        record.run(night)
        promote.run(night)
        publish.run(night)
    assert only(registry.look(away)).level == "warn"
    assert "MLflow at http://127.0.0.1:9" in only(registry.look(away)).found
    assert only(registry.look(settings)).found.startswith("no store at sqlite:///")
    assert not (tmp_path / "mlflow").exists()  # looking makes none
    (tmp_path / "mlflow").mkdir()
    shutil.copyfile(migrated, tmp_path / "mlflow" / "mlflow.db")
    assert only(registry.look(settings)).found.endswith("is served: the outbox has not been delivered")
    assert only(outbox.look(settings)).found == "4 entries wait for MLflow, the oldest of the night 2026-02-12"
    assert repaired(settings, outbox.look) == "delivered 4 of the outbox"
    assert only(outbox.look(settings)).found == "nothing waits for MLflow"
    assert only(registry.look(settings)).found == "champion is version 2, which is served"

    roll_back(settings.releases, settings.ledger, to=None, by="ann", reason="r")
    explained = only(registry.look(settings))
    assert (explained.level, explained.found.endswith("it was gone back to")) == ("warn", True)
    assert repaired(settings, registry.look) == "champion is version 1, which is served"

    with transaction(settings.state) as state:
        state.remove(ROLLBACKS)
    client = MlflowClient(settings.mlflow_uri)
    client.set_registered_model_alias("netgain", "champion", "2")
    assert only(registry.look(settings)).level == "fail"
    repaired(settings, registry.look)
    client.delete_registered_model_alias("netgain", "champion")
    assert only(registry.look(settings)).found.startswith("champion is nothing, and 2026-02-12-")
    repaired(settings, registry.look)
    assert only(registry.look(settings)).level == "ok"


def test_an_entry_that_is_damaged_fails_and_is_left_to_people(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "lists.txt").touch()
    entry = put(settings.ledger, "record", "2026-01-12-abc", {}, {"files/lists.txt": tmp_path / "lists.txt"})
    (entry.folder / "files" / "lists.txt").unlink()
    finding = only(outbox.look(settings))
    assert (finding.level, finding.repair) == ("fail", None)
    assert waiting(settings.ledger) == (entry,)
