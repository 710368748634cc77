"""NDCG by listener and day, on disk."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from pipeline.storage.daily_credit import DAILY_CREDIT, read_daily, write_daily
from pipeline.storage.tables import read_table

FIRST, SECOND, THIRD = (dt.date(2026, 3, day) for day in (1, 2, 3))


def listeners(*names: str) -> pa.ChunkedArray:
    return pa.chunked_array([list(names)], pa.string())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """ann on the third day; bob on the first and the third."""
    file = tmp_path / "als.days.parquet"
    values = sp.csr_matrix(np.array([[0, 0, 0.25], [0.5, 0, 0.125], [0, 0, 0]]))
    write_daily(file, listeners("ann", "bob", "cay"), (FIRST, SECOND, THIRD), values)
    return file


def test_only_what_is_above_0_is_written_by_listener_and_day(path: Path) -> None:
    rows = [tuple(row.values()) for row in read_table(path, DAILY_CREDIT).to_pylist()]
    assert rows == [("ann", THIRD, 0.25), ("bob", FIRST, 0.5), ("bob", THIRD, 0.125)]


def test_it_is_read_for_any_listeners_in_their_order(path: Path) -> None:
    days, values = read_daily(path, listeners("zoe", "bob", "ann"))
    assert days == (FIRST, THIRD)
    assert values.toarray().tolist() == [[0, 0], [0.5, 0.125], [0, 0.25]]


def test_the_days_of_the_window_may_be_given(path: Path) -> None:
    days, values = read_daily(path, listeners("ann", "bob"), days=(FIRST, SECOND, THIRD))
    assert days == (FIRST, SECOND, THIRD)
    assert values.toarray().tolist() == [[0, 0, 0.25], [0.5, 0, 0.125]]


def test_a_listener_who_was_not_evaluated_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="2 rows of listeners"):
        read_daily(path, listeners("ann"))


def test_a_day_outside_the_window_is_refused(path: Path) -> None:
    with pytest.raises(ValueError, match="1 rows of days"):
        read_daily(path, listeners("ann", "bob"), days=(SECOND, THIRD))


def test_an_empty_table_has_no_days(tmp_path: Path) -> None:
    write_daily(tmp_path / "none.parquet", listeners("ann"), (), sp.csr_matrix((1, 0)))
    days, values = read_daily(tmp_path / "none.parquet", listeners("ann"))
    assert days == ()
    assert values.shape == (1, 0)
