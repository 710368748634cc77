"""A journal stands twice: whatever befalls one of the two, nothing that was entered is lost, or silently is."""

from pathlib import Path

import pytest

from pipeline.errors import TableError
from pipeline.state.journal import append, copy_of, mend, read_lines, write_lines
from pipeline.state.journals import REMOVED, journals, mend_all

ENTRIES = [{"n": n, "reason": "a line\u2028of \x85 two \n lines"} for n in range(3)]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "ledger" / "looks.jsonl"
    append(path, *ENTRIES)
    return path


def test_it_is_read_as_it_was_entered_and_there_is_nothing_to_mend(journal: Path) -> None:
    assert read_lines(journal) == ENTRIES
    before = journal.stat().st_mtime_ns
    assert mend(journal) is None
    assert journal.stat().st_mtime_ns == before
    assert read_lines(journal.with_name("none.jsonl")) == []


@pytest.mark.parametrize("which", ["journal", "copy"])
def test_whichever_is_cut_off_anywhere_or_gone_the_other_one_counts(journal: Path, which: str) -> None:
    whole = journal.read_bytes()
    victim = journal if which == "journal" else copy_of(journal)
    for size in range(len(whole)):
        victim.write_bytes(whole[:size])
        assert read_lines(journal) == ENTRIES
        assert mend(journal) == (3 if which == "journal" else None)
        assert journal.read_bytes() == copy_of(journal).read_bytes() == whole
    victim.unlink()
    assert read_lines(journal) == ENTRIES
    append(journal, {"n": 3})
    assert [entry["n"] for entry in read_lines(journal)] == [0, 1, 2, 3]
    assert journal.read_bytes() == copy_of(journal).read_bytes()


def test_an_entry_is_there_once_its_copy_is(journal: Path, tmp_path: Path) -> None:
    """Killed between the two: the journal is one entry behind."""
    before = journal.read_bytes()
    append(journal, {"n": 3})
    journal.write_bytes(before)
    assert [entry["n"] for entry in read_lines(journal)] == [0, 1, 2, 3]
    assert mend(journal) == 4


def test_one_that_was_written_anew_is_what_was_written_last(journal: Path) -> None:
    before = journal.read_bytes()
    write_lines(journal, [{"n": 7}])
    journal.write_bytes(before)
    assert read_lines(journal) == [{"n": 7}]


def test_one_that_goes_on_where_its_copy_ends_is_right(journal: Path) -> None:
    copy_of(journal).write_bytes(journal.read_bytes()[: journal.read_bytes().index(b"\n") + 1])
    assert read_lines(journal) == ENTRIES


def test_where_both_are_damaged_it_is_refused(journal: Path) -> None:
    for path in (journal, copy_of(journal)):
        path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(TableError, match=r"looks\.jsonl cannot be read"):
        mend(journal)
    journal.write_bytes(b"\xff\n")
    with pytest.raises(TableError, match=r"looks\.jsonl cannot be read"):
        read_lines(journal)


def test_all_of_a_ledger_are_mended_with_their_permissions_and_said(journal: Path, tmp_path: Path) -> None:
    private, removed = journal.parent / "erasures" / "requests.jsonl", tmp_path / "releases" / REMOVED
    write_lines(private, ENTRIES, mode=0o600)
    append(removed, {"release": "a"})
    assert journals(journal.parent, removed.parent) == sorted([journal, private, removed])
    journal.write_bytes(b"")
    private.write_bytes(b"{")
    removed.unlink()
    assert mend_all(journal.parent, removed.parent) == [
        f"{private} was cut off or changed: it is what its copy says again, 3 entries",
        f"{journal} was cut off or changed: it is what its copy says again, 3 entries",
        f"{removed} was cut off or changed: it is what its copy says again, 1 entry",
    ]
    assert [path.stat().st_mode & 0o777 for path in (private, copy_of(private), journal)] == [0o600, 0o600, 0o644]
    assert mend_all(journal.parent, removed.parent) == []
