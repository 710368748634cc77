"""Rollbacks serve an earlier release, are recorded, and withdraw the release that was served."""

from pathlib import Path

import pytest

from pipeline.errors import ReleaseError
from pipeline.releases.publishing import publish
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import TABLE, roll_back, withdrawn
from pipeline.state.rows import entries
from tests.releases.test_releases import contents


def back(tmp_path: Path, to: str | None = None) -> Release:
    return roll_back(tmp_path / "releases", tmp_path / "ledger", to=to, by="ann", reason="lists of nonsense")[1]


def test_the_previous_release_is_served_and_the_step_is_recorded(tmp_path: Path, three: list[Release]) -> None:
    assert back(tmp_path) == current(tmp_path / "releases") == three[1]
    (entry,) = entries(tmp_path / "ledger", TABLE)
    when = entry.pop("when")
    told = {"from": three[2].id, "to": three[1].id, "by": "ann", "reason": "lists of nonsense"}
    assert entry == told
    assert when.endswith("+00:00")


def test_rollbacks_go_back_further_and_forward_again(tmp_path: Path, three: list[Release]) -> None:
    back(tmp_path)
    assert back(tmp_path) == three[0]
    assert withdrawn(tmp_path / "ledger") == {three[1].id, three[2].id}
    assert back(tmp_path, three[2].id) == three[2]
    assert withdrawn(tmp_path / "ledger") == {three[0].id, three[1].id}
    with pytest.raises(ReleaseError, match="is already served"):
        back(tmp_path, three[2].id)


def test_the_first_release_has_no_predecessor(tmp_path: Path, three: list[Release]) -> None:
    back(tmp_path, three[0].id)
    with pytest.raises(ReleaseError, match="is the oldest kept release"):
        back(tmp_path)


def test_a_damaged_release_is_not_rolled_back_to(tmp_path: Path, three: list[Release]) -> None:
    three[1].lists.write_text("half")
    with pytest.raises(ReleaseError, match="has changed bytes in"):
        back(tmp_path)
    assert current(tmp_path / "releases") == three[2]
    assert entries(tmp_path / "ledger", TABLE) == []


def test_running_the_night_again_does_not_serve_a_withdrawn_release(tmp_path: Path, three: list[Release]) -> None:
    root = tmp_path / "releases"
    back(tmp_path)
    again = contents(tmp_path, "2026-01-12", "night 2")
    assert publish(root, again, withdrawn=withdrawn(tmp_path / "ledger")) == (three[2], False)
    assert current(root) == three[1]
    mended, served = publish(root, contents(tmp_path, "2026-01-12", "mended"), withdrawn=withdrawn(tmp_path / "ledger"))
    assert served
    assert current(root) == mended
    assert mended.previous == three[1].id
