"""A damaged CURRENT is replaced by the newest complete release, which is recorded; nothing is withdrawn."""

from pathlib import Path

import pytest

from pipeline.releases.publishing import publish
from pipeline.releases.recovery import fault, recover
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import TABLE, roll_back, withdrawn
from pipeline.state.rows import entries
from tests.releases.test_releases import contents


@pytest.mark.parametrize("text", ["", "\x00", "2026-01-1", "2026-01-12-000000000000"])
def test_a_truncated_current_is_repaired_to_the_newest_release(
    tmp_path: Path, root: Path, three: list[Release], text: str
) -> None:
    (root / "CURRENT").write_text(text, encoding="utf-8")
    assert fault(root) is not None
    assert recover(root, tmp_path / "ledger", by="ann") == current(root) == three[2]
    assert fault(root) is None
    (entry,) = entries(tmp_path / "ledger", TABLE)
    assert (entry["from"], entry["to"], entry["by"]) == (None, three[2].id, "ann")
    assert entry["reason"].startswith("no complete release was served: ")


def test_a_missing_current_is_a_fault_after_the_first_release(root: Path, three: list[Release]) -> None:
    assert fault(root.parent / "elsewhere") is None
    (root / "CURRENT").unlink()
    assert fault(root) is not None


def test_a_damaged_release_is_served_again_after_its_night_has_rebuilt_it(
    tmp_path: Path, root: Path, three: list[Release]
) -> None:
    (three[2].folder / "manifest.json").write_text("{", encoding="utf-8")
    assert recover(root, tmp_path / "ledger", by="ann") == three[1]
    again = publish(root, contents(tmp_path, "2026-01-12", "night 2"), withdrawn=withdrawn(tmp_path / "ledger"))
    assert again == (three[2], True)


def test_neither_withdrawn_nor_damaged_releases_are_served(tmp_path: Path, root: Path, three: list[Release]) -> None:
    ledger = tmp_path / "ledger"
    roll_back(root, ledger, to=three[1].id, by="ann", reason="lists of nonsense")
    three[1].lists.write_text("half", encoding="utf-8")
    assert recover(root, ledger, by="ann") == three[0]
    assert withdrawn(ledger) == {three[2].id}


def test_a_complete_release_is_left_as_it_is(tmp_path: Path, root: Path, three: list[Release]) -> None:
    assert recover(root, tmp_path / "ledger", by="ann") == three[2]
    assert not (tmp_path / "ledger").exists()


def test_without_a_complete_release_the_next_night_starts_as_the_first(
    tmp_path: Path, root: Path, three: list[Release]
) -> None:
    for release in three:
        (release.folder / "manifest.json").unlink()
    assert recover(root, tmp_path / "ledger", by="ann") is None
    assert not (root / "CURRENT").exists()
    release, served = publish(root, contents(tmp_path, "2026-01-13", "night 3"))
    assert (release.previous, served) == (None, True)
