"""Files cut off in the middle: made again by the same night where that can be, else refused in one line."""

from pathlib import Path

import pytest

from pipeline.errors import EXIT_BAD_INPUT
from pipeline.graph import EFFECTS
from pipeline.releases.release import current
from pipeline.state.journal import copy_of
from tests.faults.extent import ALL
from tests.faults.small_night import AS_OF, assert_served_is_whole, files, stage
from tests.faults.tally import Tally
from tests.faults.warm import Warm

FAULT = "file cut off: {}"
SERVED = ["CURRENT", "manifest.json", "lists.parquet", "fallback.parquet", "model/model.json"]
JOURNALS = ["looks.jsonl", "landed.jsonl"]


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def again(warm: Warm, workspace: Path) -> str:
    """Open the night again and run its effects; what opening said."""
    opened = warm.run(workspace, "open", "--as-of", AS_OF.isoformat())
    assert opened.status == 0, opened.said
    for name in EFFECTS:
        stage(warm, workspace, name)
    return opened.said


@pytest.mark.parametrize("name", SERVED if ALL else SERVED[:2])
def test_what_is_served_is_made_whole_by_its_night(warm: Warm, published: Path, name: str, tally: Tally) -> None:
    root = published / "releases"
    whole = files(root)
    cut_off(root / name if name == "CURRENT" else current(root).folder / name)
    tally.injected(FAULT.format(name))
    again(warm, published)
    assert_served_is_whole(root)
    assert files(root) == whole
    tally.recovered(FAULT.format(name))


@pytest.mark.parametrize("name", JOURNALS if ALL else JOURNALS[:1])
def test_a_journal_is_made_whole_from_its_copy_and_said(warm: Warm, published: Path, name: str, tally: Tally) -> None:
    journal = published / "ledger" / name
    whole, served = journal.read_bytes(), files(published / "releases")
    for victim in (journal, copy_of(journal)):
        cut_off(victim)
        tally.injected(FAULT.format("ledger"))
        said = again(warm, published)
        assert (f"{journal} was cut off or changed" in said) == (victim == journal)
        assert journal.read_bytes() == copy_of(journal).read_bytes() == whole
        assert files(published / "releases") == served
        tally.recovered(FAULT.format("ledger"))


def test_a_journal_whose_copy_is_cut_off_too_is_refused_by_name_and_goes_on_from_a_backup(
    warm: Warm, published: Path
) -> None:
    journal = published / "ledger" / JOURNALS[0]
    backup, served = journal.read_bytes(), files(published / "releases")
    cut_off(journal)
    cut_off(copy_of(journal))
    opened = warm.run(published, "open", "--as-of", AS_OF.isoformat())
    assert opened.status == EXIT_BAD_INPUT
    assert f"{journal} cannot be read" in opened.said
    assert "Restore it from a backup" in opened.said
    assert files(published / "releases") == served
    journal.write_bytes(backup)
    again(warm, published)
    assert journal.read_bytes() == backup
