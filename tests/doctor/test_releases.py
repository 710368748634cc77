"""Checks of the served release and of the releases that a rollback can serve."""

from dataclasses import asdict

import pytest

from pipeline.doctor import releases
from pipeline.releases.current import MARK, mark_stale
from pipeline.releases.release import Release, current, verify
from pipeline.releases.rollback import TABLE as ROLLBACKS
from pipeline.settings import Settings
from pipeline.state.rows import entries
from pipeline.storage.json_files import write_json
from tests.doctor.looking import look_at_releases, only, repaired


def test_complete_releases_pass(settings: Settings, three: list[Release]) -> None:
    assert only(look_at_releases(settings)).found == f"{three[2].id} is served; all 3 kept releases are as published"


@pytest.mark.parametrize("damaged", [True, False])
def test_the_repair_serves_the_newest_complete_release(settings: Settings, three: list[Release], damaged: bool) -> None:
    if damaged:
        three[2].lists.write_text("half", encoding="utf-8")
    else:
        (settings.releases / "CURRENT").write_text("2026-01-1", encoding="utf-8")
    said = repaired(settings, look_at_releases)
    assert said.startswith(f"now serving {three[1 if damaged else 2].id}, ")
    assert current(settings.releases) == three[1 if damaged else 2]
    assert entries(settings.ledger, ROLLBACKS)[0]["by"] == "ann"


def test_a_damaged_rollback_target_fails_and_other_damaged_releases_are_warnings(
    settings: Settings, three: list[Release]
) -> None:
    three[0].lists.write_text("half", encoding="utf-8")
    assert only(look_at_releases(settings)).level == "warn"
    (three[1].folder / "manifest.json").unlink()
    assert [(f.level, three[1].id in f.found) for f in look_at_releases(settings)] == [("fail", True), ("warn", False)]
    verify(current(settings.releases))


def test_a_stale_mark_that_no_longer_applies_is_removed(settings: Settings, three: list[Release]) -> None:
    mark = mark_stale(settings.releases, night=three[2].as_of.replace(day=13), stage="ingest", why="half a file")
    assert mark is not None
    assert only(look_at_releases(settings)).level == "ok"
    write_json(settings.releases / MARK, asdict(mark) | {"night": "2026-01-12"})
    assert repaired(settings, look_at_releases) == "removed STALE.json"
    assert not (settings.releases / MARK).exists()


def test_progress_is_reported_for_each_release(settings: Settings, three: list[Release]) -> None:
    reports: list[tuple[int, int]] = []
    releases.look(settings, lambda n, of: reports.append((n, of)))
    assert reports == [(1, 3), (2, 3), (3, 3)]
