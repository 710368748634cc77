"""Parquet tables: how they are laid out, and what is no table."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipeline.errors import TableError
from pipeline.storage.schemas import RECOMMENDATIONS
from pipeline.storage.tables import columns_of, read_columns, read_table, write_table

NUMBERED = pa.schema([pa.field("name", pa.string(), nullable=False), pa.field("n", pa.int64())])


def test_numbers_are_differences_and_texts_are_looked_up(tmp_path: Path) -> None:
    write_table(tmp_path / "t.parquet", pa.table({"name": ["a", "b", "a"], "n": [1, None, 3]}), NUMBERED)
    group = pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0)
    assert "DELTA_BINARY_PACKED" in group.column(1).encodings
    assert "RLE_DICTIONARY" in group.column(0).encodings


def test_lists_of_texts_are_looked_up_and_come_back(tmp_path: Path) -> None:
    recommendations = pa.table({"listener_id": ["ann"], "item_ids": [["x", "y", "x"]]}, schema=RECOMMENDATIONS)
    write_table(tmp_path / "t.parquet", recommendations, RECOMMENDATIONS)
    assert "RLE_DICTIONARY" in pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0).column(1).encodings
    assert read_table(tmp_path / "t.parquet", RECOMMENDATIONS).equals(recommendations)


def test_columns_of_all_files_of_a_folder_are_read_in_their_order(tmp_path: Path) -> None:
    write_table(tmp_path / "part-1.parquet", pa.table({"name": ["b"], "n": [2]}), NUMBERED)
    write_table(tmp_path / "part-0.parquet", pa.table({"name": ["a"], "n": [1]}), NUMBERED)
    assert read_columns(tmp_path, ["n"]).to_dict(as_series=False) == {"n": [1, 2]}


@pytest.mark.parametrize("damage", ["missing", "empty", "not Parquet", "other columns"])
def test_what_is_no_table_is_named(damage: str, tmp_path: Path) -> None:
    folder = tmp_path / "day=2026-01-01"
    if damage != "missing":
        folder.mkdir()
    if damage == "not Parquet":
        (folder / "part-0.parquet").write_bytes(b"plays")
    if damage == "other columns":
        write_table(folder / "part-0.parquet", pa.table({"name": ["a"], "n": [1]}), NUMBERED)
    with pytest.raises(TableError, match="day=2026-01-01"):
        read_columns(folder, ["listener_id"])


def test_only_the_columns_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """A table from before a column was added, or with one that is gone since, can be read."""
    path = tmp_path / "t.parquet"
    written = pa.schema([pa.field("a", pa.int32(), nullable=False), pa.field("gone", pa.string(), nullable=False)])
    write_table(path, pa.table({"a": [1, 2], "gone": ["x", "y"]}), written)
    today = pa.schema([pa.field("a", pa.int32(), nullable=False), pa.field("new", pa.float64(), nullable=False)])
    assert read_table(path, columns_of(today, "a")).to_pydict() == {"a": [1, 2]}
    with pytest.raises(TableError, match=r"without the columns \['new'\]"):
        read_table(path, today)
