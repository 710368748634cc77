"""Orphaned temporaries are removed, and nothing else."""

import os
from pathlib import Path

from pipeline.storage.atomic import atomic_path
from pipeline.storage.orphans import find_orphans, remove_orphans, temporary_beside


def test_temporary_files_and_folders_are_removed_and_complete_ones_and_hidden_ones_stay(tmp_path: Path) -> None:
    kept = [tmp_path / "data" / name for name in (".gitignore", ".lock", "days.json", "plays/part.parquet")]
    orphaned = [
        tmp_path / "data" / name
        for name in (".tmp-days.json.x", "costs/.tmp-fit.json.y", ".tmp-ingest-z/plays/.tmp-part.parquet")
    ]
    for path in (*kept, *orphaned):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert remove_orphans(tmp_path / "data", tmp_path / "not there") == 3
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(kept)
    assert not (tmp_path / "data" / ".tmp-ingest-z").exists()


def test_a_temporary_that_was_modified_recently_is_not_an_orphan(tmp_path: Path) -> None:
    old, fresh = tmp_path / ".tmp-old", tmp_path / ".tmp-fresh"
    for path in (old, fresh):
        path.touch()
    os.utime(old, (0, 0))
    assert find_orphans(tmp_path, min_age_seconds=600) == [old]
    assert find_orphans(tmp_path) == [fresh, old]


def test_an_atomic_write_uses_a_name_that_the_clean_up_finds(tmp_path: Path) -> None:
    assert temporary_beside(tmp_path / "release").name == ".tmp-release"
    with atomic_path(tmp_path / "days.json") as temporary:
        assert find_orphans(tmp_path) == [temporary]
    assert find_orphans(tmp_path) == []
