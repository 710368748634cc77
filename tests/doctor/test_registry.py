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


def test_the_outbox_is_delivered_and_champion_follows_rollbacks_and_is_restored_after_outside_changes(
    tmp_path: Path, migrated: Path
) -> None:
    from mlflow import MlflowClient

    nights = [plant_night(tmp_path, f"2026-02-1{n}", model=f"weights {n}") for n in (2, 3)]
    settings = nights[1].settings
    away = replace(settings, mlflow_uri="http://127.0.0.1:9")
    assert only(registry.look(settings)).found == "not checked: no complete release is served"
    for n in (2, 3):
        night = replace(plant_night(tmp_path, f"2026-02-1{n}", model=f"weights {n}"), settings=away)
        record.run(night)
        promote.run(night)
        publish.run(night)
    assert only(registry.look(away)).level == "warn"
    assert "MLflow at http://127.0.0.1:9" in only(registry.look(away)).found
    assert only(registry.look(settings)).found.startswith("no store at sqlite:///")
    assert not (tmp_path / "mlflow").exists()  # the check creates no store
    (tmp_path / "mlflow").mkdir()
    shutil.copyfile(migrated, tmp_path / "mlflow" / "mlflow.db")
    assert only(registry.look(settings)).found.endswith("is served (the outbox has not been delivered)")
    assert only(outbox.look(settings)).found == "4 entries wait for MLflow, the oldest from the night of 2026-02-12"
    assert repaired(settings, outbox.look) == "delivered 4 of the outbox"
    assert only(outbox.look(settings)).found == "nothing waits for MLflow"
    assert only(registry.look(settings)).found == "champion is version 2, the served model"

    roll_back(settings.releases, settings.ledger, to=None, by="ann", reason="r")
    explained = only(registry.look(settings))
    assert (explained.level, explained.found.endswith("(after a rollback)")) == ("warn", True)
    assert repaired(settings, registry.look) == "champion is version 1, the served model"

    with transaction(settings.state) as state:
        state.remove(ROLLBACKS)
    client = MlflowClient(settings.mlflow_uri)
    client.set_registered_model_alias("netgain", "champion", "2")
    assert only(registry.look(settings)).level == "fail"
    repaired(settings, registry.look)
    client.delete_registered_model_alias("netgain", "champion")
    assert only(registry.look(settings)).found.startswith("champion is not set, but 2026-02-12-")
    repaired(settings, registry.look)
    assert only(registry.look(settings)).level == "ok"


def test_a_damaged_entry_fails_the_check_and_is_not_repaired(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "lists.txt").touch()
    entry = put(settings.ledger, "record", "2026-01-12-abc", {}, {"files/lists.txt": tmp_path / "lists.txt"})
    (entry.folder / "files" / "lists.txt").unlink()
    finding = only(outbox.look(settings))
    assert (finding.level, finding.repair) == ("fail", None)
    assert waiting(settings.ledger) == (entry,)
