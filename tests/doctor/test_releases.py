"""What is served, and what can be gone back to."""

from dataclasses import asdict

import pytest

from pipeline.doctor import releases
from pipeline.releases.current import MARK, mark_stale
from pipeline.releases.release import Release, current, verify
from pipeline.releases.rollback import TABLE as ROLLBACKS
from pipeline.settings import Settings
from pipeline.state.rows import entries
from pipeline.storage.tables import write_json
from tests.doctor.looking import look_at_releases, only, repaired


def test_whole_releases_are_said_to_be_so(settings: Settings, three: list[Release]) -> None:
    assert only(look_at_releases(settings)).found == f"{three[2].id} is served; 3 kept, all as published"


@pytest.mark.parametrize("damaged", [True, False])
def test_what_is_served_is_mended_to_the_newest_whole_release(
    settings: Settings, three: list[Release], damaged: bool
) -> None:
    if damaged:
        three[2].lists.write_text("half", encoding="utf-8")
    else:
        (settings.releases / "CURRENT").write_text("2026-01-1", encoding="utf-8")
    said = repaired(settings, look_at_releases)
    assert said.startswith(f"{three[1 if damaged else 2].id} is served now")
    assert current(settings.releases) == three[1 if damaged else 2]
    assert entries(settings.ledger, ROLLBACKS)[0]["by"] == "ann"


def test_a_rollback_that_has_nothing_to_go_to_fails_and_another_damaged_release_is_a_warning(
    settings: Settings, three: list[Release]
) -> None:
    three[0].lists.write_text("half", encoding="utf-8")
    assert only(look_at_releases(settings)).level == "warn"
    (three[1].folder / "manifest.json").unlink()
    assert [(f.level, three[1].id in f.found) for f in look_at_releases(settings)] == [("fail", True), ("warn", False)]
    verify(current(settings.releases))


def test_a_mark_that_was_overtaken_goes(settings: Settings, three: list[Release]) -> None:
    mark = mark_stale(settings.releases, night=three[2].as_of.replace(day=13), stage="ingest", why="half a file")
    assert mark is not None
    assert only(look_at_releases(settings)).level == "ok"
    write_json(settings.releases / MARK, asdict(mark) | {"night": "2026-01-12"})
    assert repaired(settings, look_at_releases) == "took STALE.json away"
    assert not (settings.releases / MARK).exists()


def test_progress_is_told_of_each_release(settings: Settings, three: list[Release]) -> None:
    told: list[tuple[int, int]] = []
    releases.look(settings, lambda n, of: told.append((n, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
