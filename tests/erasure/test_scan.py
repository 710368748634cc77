"""Listeners are found in bytes, in packed files, in columns of Parquet and in file names."""

import gzip
import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.erasure.scan import own_words, scan, sought

ANN = sought(["listener-1"])


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
        lambda at: pq.write_table(
            pa.Table.from_arrays([pa.array(["z" * 99, who]) for who in ("a", "listener-1")], names=["x", "x"]),
            at / "one-name-twice.parquet",
        ),
        lambda at: parquet(at / "raw.parquet", raw=[None, b'{"id": "listener-1"}']),
    ],
)
def test_a_listener_is_found_in_every_kind_of_file(tmp_path: Path, hide: object) -> None:
    (tmp_path / "other.txt").write_text("listener-10, listener-11, xlistener-1, listener-1x")
    parquet(tmp_path / "other.parquet", x=["listener-10", "a listener-1 b"])
    assert scan([tmp_path], ANN) == []
    hide(tmp_path)  # type: ignore[operator]
    assert len(scan([tmp_path], ANN)) == 1


def test_short_ids_and_netgains_own_words_are_searched_in_columns_only(tmp_path: Path) -> None:
    wanted = sought(["7", "popular"], own_words={"popular"})
    (tmp_path / "a.json").write_text('{"days": 7, "champion": "popular"}')
    parquet(tmp_path / "counts.parquet", n_plays=[7])
    assert scan([tmp_path], wanted) == []
    parquet(tmp_path / "b.parquet", listener_id=["7", "8"])
    parquet(tmp_path / "c.parquet", listener_id=["popular"])
    assert [path.name for path in scan([tmp_path], wanted)] == ["b.parquet", "c.parquet"]
    assert wanted.n_in_columns_alone == 2


def test_own_words_are_those_of_parameters_stages_and_code() -> None:
    assert {"popular", "core", "half_life_days"} <= own_words(Path(__file__).parents[2])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, 4711], pa.int64()),
        pa.array(["x", "4711"]).dictionary_encode(),
        pa.array([{"a": {"b": "4711"}}]),
        pa.array([[{"a": ["4711"]}]]),
        pa.array([[("4711", 1)]], pa.map_(pa.string(), pa.int32())),
    ],
)
def test_columns_of_every_type_are_searched(tmp_path: Path, column: pa.Array) -> None:
    parquet(tmp_path / "a.parquet", user_id=column)
    assert len(scan([tmp_path], sought(["4711"]))) == 1
    assert scan([tmp_path], sought(["4712"])) == []


def test_a_numeric_column_can_be_declared_as_ids(tmp_path: Path) -> None:
    parquet(tmp_path / "a.parquet", who=[4711])
    assert scan([tmp_path], sought(["4711"])) == []
    assert len(scan([tmp_path], sought(["4711"]), id_columns=["who"])) == 1


def test_a_damaged_table_is_searched_as_bytes_and_escaped_ids_are_found(tmp_path: Path) -> None:
    (tmp_path / "damaged.parquet").write_bytes("PAR1 josée-marie".encode())
    (tmp_path / "escaped.json").write_text(json.dumps("josée-marie"))
    assert [path.name for path in scan([tmp_path], sought(["josée-marie"]))] == ["damaged.parquet", "escaped.json"]


def test_hard_links_are_read_once_and_single_files_can_be_searched(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_text("listener-1")
    os.link(tmp_path / "a" / "x", tmp_path / "a" / "y")
    assert [path.name for path in scan([tmp_path / "a"], ANN)] == ["x"]
    assert scan([tmp_path / "a" / "x"], ANN) == [tmp_path / "a" / "x"]
    assert scan([tmp_path], sought([])) == []
