"""Every format has dialects, and they spoil rows in each way that the format declares."""

import pytest

from pipeline.logs.formats import format_names, format_of
from pipeline.logs.reasons import JUDGED, Reason
from tests.fuzz.dialects import all_dialects

# Random folders hold neither: test_landings.py and tests/logs/test_tables.py test them.
ELSEWHERE = {Reason.LONG_LINE, Reason.PLAYING_NOW}


def test_every_format_has_a_dialect() -> None:
    assert {dialect.format for dialect in all_dialects().values()} == set(format_names())


@pytest.mark.parametrize("name", format_names())
def test_the_dialects_of_a_format_give_every_reason_that_it_declares_and_no_other(name: str) -> None:
    dialects = [dialect for dialect in all_dialects().values() if dialect.format == name]
    given = {reason for dialect in dialects for reason, _ in dialect.dirt}
    declared = format_of(name).reasons
    assert declared - ELSEWHERE <= given
    assert given <= declared | JUDGED


@pytest.mark.parametrize("name", sorted(all_dialects()))
def test_a_dialect_writes_files_that_its_format_takes(name: str) -> None:
    dialect = all_dialects()[name]
    format = format_of(dialect.format)
    assert format.takes(dialect.file("ann", 0))
    assert all(format.takes(dialect.file("ann", 0) + ending) for ending in dialect.packs)
    assert dialect.by_folder == bool(format.listener_folders)
    assert bool(dialect.columns) == format.needs_columns
