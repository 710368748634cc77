"""STALE.json: a failed night marks the served release as stale, and a later release removes the mark."""

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.releases import current as serving
from pipeline.releases.current import MARK, describe_served, mark_stale, redact_failure_reason, stale_mark
from pipeline.releases.publishing import publish
from pipeline.releases.release import Release, current
from pipeline.releases.rollback import roll_back
from tests.releases.test_releases import contents, tree


def night(day: int) -> dt.date:
    return dt.date(2026, 1, day)


def fail(root: Path, day: int, stage: str = "ingest") -> None:
    mark_stale(root, night=night(day), stage=stage, why="half a file")


def test_the_mark_names_the_failed_night_stage_reason_and_the_age_of_the_release(
    root: Path, two: list[Release]
) -> None:
    fail(root, 14)
    told = json.loads((root / MARK).read_text(encoding="utf-8"))
    assert told.pop("failed_at").endswith("+00:00")
    assert told == {
        "night": "2026-01-14",
        "stage": "ingest",
        "why": "half a file",
        "release": two[1].id,
        "release_night": "2026-01-11",
        "nights_old": 14 - 11,
    }
    assert describe_served(root) == f"release {two[1].id} of the night 2026-01-11, 3 nights old"
    assert current(root) == two[1]


def test_serving_a_release_of_the_failed_night_removes_the_mark(tmp_path: Path, root: Path, two: list[Release]) -> None:
    fail(root, 12)
    publish(root, contents(tmp_path, "2026-01-12", "night 2"))
    assert not (root / MARK).exists()
    assert describe_served(root) == f"release {current(root).id} of the night 2026-01-12"


def test_a_release_of_a_night_before_the_failed_one_is_served_and_stale(
    tmp_path: Path, root: Path, two: list[Release]
) -> None:
    fail(root, 13)
    new, _ = publish(root, contents(tmp_path, "2026-01-12", "night 2"))
    mark = stale_mark(root)
    assert mark is not None
    assert (mark.night, mark.release, mark.nights_old) == ("2026-01-13", new.id, 1)


def test_after_a_rollback_the_mark_gives_the_older_release(tmp_path: Path, root: Path, two: list[Release]) -> None:
    fail(root, 12)
    roll_back(root, tmp_path / "ledger", to=None, by="ann", reason="r")
    mark = stale_mark(root)
    assert mark is not None
    assert (mark.release, mark.nights_old) == (two[0].id, 2)


@pytest.mark.parametrize("day", [10, 11])
def test_a_failed_night_that_is_not_later_than_the_release_leaves_no_mark(
    root: Path, two: list[Release], day: int
) -> None:
    before = tree(root)
    fail(root, day)
    assert tree(root) == before


def test_of_two_failed_nights_the_mark_names_the_later(root: Path, two: list[Release]) -> None:
    fail(root, 13)
    fail(root, 12)
    fail(root, 13, stage="audit")
    mark = stale_mark(root)
    assert mark is not None
    assert (mark.night, mark.stage) == ("2026-01-13", "audit")


def test_without_a_release_no_mark_is_written(root: Path) -> None:
    fail(root, 12)
    assert not root.exists()
    assert describe_served(root) is None


def test_a_mark_left_by_a_crash_after_the_swap_does_not_apply_and_is_removed_by_the_next_publishing(
    tmp_path: Path, root: Path, two: list[Release], monkeypatch: pytest.MonkeyPatch
) -> None:
    fail(root, 12)

    def dies(_: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(serving, "refresh_stale_mark", dies)
        with pytest.raises(KeyboardInterrupt):
            publish(root, contents(tmp_path, "2026-01-12", "night 2"))
    assert (root / MARK).exists()
    assert stale_mark(root) is None
    publish(root, contents(tmp_path, "2026-01-12", "night 2"))
    assert not (root / MARK).exists()


@pytest.mark.parametrize("change", [{"night": "tonight"}, {"night": 12}, {"who": "ann"}, None])
def test_an_invalid_mark_is_ignored(root: Path, two: list[Release], change: dict[str, object] | None) -> None:
    fail(root, 12)
    told = json.loads((root / MARK).read_text(encoding="utf-8"))
    (root / MARK).write_text("stale!" if change is None else json.dumps(told | change), encoding="utf-8")
    assert stale_mark(root) is None
    assert describe_served(root) == f"release {two[1].id} of the night 2026-01-11"


def test_a_reason_is_one_short_line_without_the_stage(root: Path, two: list[Release]) -> None:
    mark = mark_stale(root, night=night(12), stage="ingest", why="stage ingest failed: half\n a file " + 400 * "x")
    assert mark is not None
    assert mark.why == ("half a file " + 400 * "x")[:300] + " …"


def test_the_reason_is_redacted_when_listeners_are_erased(root: Path, two: list[Release]) -> None:
    fail(root, 12)
    before = stale_mark(root)
    redact_failure_reason(root)
    assert before is not None
    assert stale_mark(root) == replace(before, why="see its log")
