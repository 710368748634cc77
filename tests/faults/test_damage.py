"""Files cut off in the middle: made again by the same night where that can be, else refused in one line."""

from pathlib import Path

import pytest

from pipeline.errors import EXIT_BAD_INPUT
from pipeline.graph import EFFECTS
from pipeline.releases.release import current
from pipeline.state.location import FILE
from tests.faults.extent import ALL
from tests.faults.small_night import AS_OF, assert_served_is_whole, files, stage, world
from tests.faults.tally import Tally
from tests.faults.warm import Warm

FAULT = "file cut off: {}"
SERVED = ["CURRENT", "manifest.json", "lists.parquet", "fallback.parquet", "model/model.json"]
DAMAGES = ["half", "empty", "deleted", "page less", "page"]


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


def damage(database: Path, how: str) -> None:
    """Cut the database off, empty it, delete it, or overwrite one of its pages."""
    whole = database.read_bytes()
    if how == "deleted":
        database.unlink()
    elif how == "page":
        database.write_bytes(whole[:4096] + b"\xa5" * 4096 + whole[8192:])
    else:
        database.write_bytes(whole[: {"half": len(whole) // 2, "page less": len(whole) - 4096, "empty": 0}[how]])


@pytest.mark.parametrize("how", DAMAGES if ALL else DAMAGES[:3])
def test_a_damaged_or_lost_state_is_refused_by_name_never_taken_for_a_first_night_and_goes_on_from_a_backup(
    warm: Warm, published: Path, how: str, tally: Tally
) -> None:
    database = published / "ledger" / FILE
    before, backup = world(published), published / "ledger.jsonl"
    dumped = warm.run(published, "state", "dump", str(backup))
    assert dumped.status == 0, dumped.said
    whole, served = database.read_bytes(), files(published / "releases")
    damage(database, how)
    tally.injected(FAULT.format("state"))
    opened = warm.run(published, "open", "--as-of", AS_OF.isoformat())
    assert opened.status == EXIT_BAD_INPUT
    assert f"netgain: {database} is " in opened.said
    assert "Restore it from a backup" in opened.said
    assert opened.said.count("\n") == 1
    for command in (("stage", EFFECTS[0]), ("rollback", "--by", "ann", "--reason", "r")):
        refused = warm.run(published, *command)
        assert (refused.status, refused.said.startswith("netgain: ")) == (EXIT_BAD_INPUT, True), refused.said
    assert files(published / "releases") == served
    database.write_bytes(whole)
    again(warm, published)
    assert world(published) == before
    database.unlink()
    loaded = warm.run(published, "state", "load", str(backup))
    assert loaded.status == 0, loaded.said
    backup.unlink()
    again(warm, published)
    assert world(published) == before
    tally.recovered(FAULT.format("state"))


def test_state_that_is_begun_anew_by_name_is_a_first_night(warm: Warm, published: Path) -> None:
    (published / "ledger" / FILE).unlink()
    made = warm.run(published, "state", "init")
    assert made.status == 0, made.said
    assert warm.run(published, "state", "init").status == EXIT_BAD_INPUT
    again(warm, published)
