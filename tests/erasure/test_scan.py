"""Nobody hides: in bytes, in packed files, in columns of Parquet, in names of files."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.erasure.scan import scan


def parquet(path: Path, **columns: object) -> Path:
    pq.write_table(pa.table(columns), path, compression="zstd")
    return path


@pytest.mark.parametrize(
    "hide",
    [
        lambda at: (at / "a.txt").write_text("of listener-1."),
        lambda at: (at / "a.db").write_bytes(b"\x00listener-1\x00"),
        lambda at: (at / "a.gz").write_bytes(gzip.compress(b'"listener-1"')),
        lambda at: (at / "a.zst").write_bytes(pa.compress(b'"listener-1"', codec="zstd", asbytes=True)),
        lambda at: (at / "half.gz").write_bytes(b"listener-1 in no archive"),
        lambda at: (at / "listener-1.csv").write_text(""),
        lambda at: (at / "listener-1").mkdir() or (at / "listener-1" / "b").write_text(""),
        lambda at: parquet(at / "a.parquet", x=["z" * 99, "listener-1"]),
        lambda at: parquet(at / "object-without-ending", x=[["a"], ["listener-1"]]),
        lambda at: parquet(at / "raw.parquet", raw=[None, b'{"id": "listener-1"}']),
    ],
)
def test_a_listener_is_found_wherever_they_are(tmp_path: Path, hide: object) -> None:
    (tmp_path / "other.txt").write_text("listener-10, listener-11, xlistener-1, listener-1x")
    parquet(tmp_path / "other.parquet", x=["listener-10", "a listener-1 b"])
    assert scan([tmp_path], ["listener-1"]) == []
    hide(tmp_path)  # type: ignore[operator]
    assert len(scan([tmp_path], ["listener-1"])) == 1


def test_a_short_id_counts_where_it_stands_by_itself(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("7 days, 17 plays")
    assert scan([tmp_path], ["7"]) == []
    (tmp_path / "b.json").write_text('{"listener_id": "7"}')
    parquet(tmp_path / "c.parquet", listener_id=["7", "8"])
    assert [path.name for path in scan([tmp_path], ["7"])] == ["b.json", "c.parquet"]


def test_second_names_of_a_file_are_read_once_and_files_may_be_given(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("listener-1")
    os.link(tmp_path / "a" / "x", tmp_path / "a" / "y")
    assert [path.name for path in scan([tmp_path / "a"], ["listener-1"])] == ["x"]
    assert scan([tmp_path / "a" / "x"], ["listener-1"]) == [tmp_path / "a" / "x"]
    assert scan([tmp_path], []) == []
