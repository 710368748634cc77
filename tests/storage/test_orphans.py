"""What kills leave is removed, and nothing else."""

from pathlib import Path

from pipeline.storage.orphans import remove_orphans


def test_hidden_files_and_folders_go_and_whole_ones_and_those_of_dvc_stay(tmp_path: Path) -> None:
    kept = [tmp_path / "data" / name for name in (".gitignore", "days.json", "plays/part.parquet")]
    gone = [
        tmp_path / "data" / name
        for name in (".days.json.x.tmp", "costs/.fit.json.y.tmp", ".ingest-z/plays/part.parquet")
    ]
    for path in (*kept, *gone):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert remove_orphans(tmp_path / "data", tmp_path / "not there") == 3
    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(kept)
    assert not (tmp_path / "data" / ".ingest-z").exists()
