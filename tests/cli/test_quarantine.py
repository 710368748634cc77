"""`netgain quarantine show` reads rows from the landed files, as no byte of them is stored."""

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from tests.stages.test_ingest import PLAY, land, run


def test_quarantined_rows_are_shown_as_they_stand_in_the_landed_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = land(tmp_path / "landing", {"a.jsonl": [PLAY, {**PLAY, "played_at": "never"}], "b.jsonl": ["{\x07oops"]})
    run(root, tmp_path)
    (tmp_path / "night").mkdir()
    shutil.copy(tmp_path / "landing.json", tmp_path / "night" / "landing.json")
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["quarantine", "show"]).stdout
    assert "a.jsonl, row 1: bad timestamp" in shown
    assert '"played_at": "never"' in shown.replace("\n", "")
    assert "{\\x07oops" in shown
    assert "2 of 2 rows" in shown
    assert b"never" not in (tmp_path / "data" / "quarantine.parquet").read_bytes()


def test_a_landed_file_that_changed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = land(tmp_path / "landing", {"a.jsonl": ["{"]})
    run(root, tmp_path)
    (tmp_path / "night").mkdir()
    shutil.copy(tmp_path / "landing.json", tmp_path / "night" / "landing.json")
    land(root, {"a.jsonl": ["{", "{"]})
    monkeypatch.chdir(tmp_path)
    assert "a.jsonl changed after it landed" in str(CliRunner().invoke(app, ["quarantine", "show"]).exception)
