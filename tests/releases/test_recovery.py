"""A CURRENT that names nothing whole: the newest whole release takes its place, on record, and nothing is withdrawn."""

from pathlib import Path

import pytest

from pipeline.releases.publishing import publish
from pipeline.releases.recovery import fault, recover
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import TABLE, roll_back, withdrawn
from pipeline.state.rows import entries
from tests.releases.test_releases import contents


@pytest.mark.parametrize("text", ["", "\x00", "2026-01-1", "2026-01-12-000000000000"])
def test_a_current_that_was_cut_off_names_the_newest_release_again(
    tmp_path: Path, root: Path, three: list[Release], text: str
) -> None:
    (root / "CURRENT").write_text(text, encoding="utf-8")
    assert fault(root) is not None
    assert recover(root, tmp_path / "ledger", by="ann") == current(root) == three[2]
    assert fault(root) is None
    (entry,) = entries(tmp_path / "ledger", TABLE)
    assert (entry["from"], entry["to"], entry["by"]) == (None, three[2].id, "ann")
    assert entry["reason"].startswith("nothing whole was served: ")


def test_a_current_that_is_missing_is_no_fault_before_the_first_release_alone(root: Path, three: list[Release]) -> None:
    assert fault(root.parent / "elsewhere") is None
    (root / "CURRENT").unlink()
    assert fault(root) is not None


def test_what_was_damaged_is_served_again_when_its_night_has_made_it_anew(
    tmp_path: Path, root: Path, three: list[Release]
) -> None:
    (three[2].folder / "manifest.json").write_text("{", encoding="utf-8")
    assert recover(root, tmp_path / "ledger", by="ann") == three[1]
    again = publish(root, contents(tmp_path, "2026-01-12", "night 2"), withdrawn=withdrawn(tmp_path / "ledger"))
    assert again == (three[2], True)


def test_neither_what_was_withdrawn_nor_what_is_damaged_is_served(
    tmp_path: Path, root: Path, three: list[Release]
) -> None:
    ledger = tmp_path / "ledger"
    roll_back(root, ledger, to=three[1].id, by="ann", reason="lists of nonsense")
    three[1].lists.write_text("half", encoding="utf-8")
    assert recover(root, ledger, by="ann") == three[0]
    assert withdrawn(ledger) == {three[2].id}


def test_where_it_is_whole_after_all_nothing_is_done(tmp_path: Path, root: Path, three: list[Release]) -> None:
    assert recover(root, tmp_path / "ledger", by="ann") == three[2]
    assert not (tmp_path / "ledger").exists()


def test_where_no_release_is_whole_the_next_night_begins_as_the_first(
    tmp_path: Path, root: Path, three: list[Release]
) -> None:
    for release in three:
        (release.folder / "manifest.json").unlink()
    assert recover(root, tmp_path / "ledger", by="ann") is None
    assert not (root / "CURRENT").exists()
    release, served = publish(root, contents(tmp_path, "2026-01-13", "night 3"))
    assert (release.previous, served) == (None, True)
