"""What is served, and what can be gone back to."""

from dataclasses import asdict

import pytest

from pipeline.doctor import releases
from pipeline.io.journal import read_lines
from pipeline.io.publishing import publish
from pipeline.io.releases import Release, current, verify
from pipeline.io.rollback import FILE as ROLLBACKS
from pipeline.io.rollback import roll_back, withdrawn
from pipeline.io.serving import MARK, mark_stale
from pipeline.io.tables import write_json
from pipeline.settings import Settings
from tests.doctor.looking import look_at_releases, only, repaired
from tests.io.test_releases import contents


def test_whole_releases_are_said_to_be_so(settings: Settings, three: list[Release]) -> None:
    assert only(look_at_releases(settings)).found == f"{three[2].id} is served; 3 kept, all as published"


@pytest.mark.parametrize("damage", ["", "\x00", "2026-01-12-000000000000", None])
def test_a_current_that_names_nothing_whole_is_put_on_the_newest_whole_release_on_record(
    settings: Settings, three: list[Release], damage: str | None
) -> None:
    if damage is None:
        three[2].lists.write_text("half", encoding="utf-8")
    else:
        (settings.releases / "CURRENT").write_text(damage, encoding="utf-8")
    target = three[1] if damage is None else three[2]
    said = repaired(settings, look_at_releases)
    assert said.startswith(f"{target.id} is served now")
    assert current(settings.releases) == target
    (entry,) = read_lines(settings.ledger / ROLLBACKS)
    assert (entry["from"], entry["to"], entry["by"]) == (None, target.id, "ann")
    assert entry["reason"].startswith("nothing whole was served: ")
    assert withdrawn(settings.ledger) == set()  # made anew, what was damaged is served again
    again = publish(settings.releases, contents(settings.workspace, "2026-01-12", "night 2"))
    assert again == (three[2], True)


def test_a_release_that_was_withdrawn_is_not_what_is_mended_to(settings: Settings, three: list[Release]) -> None:
    roll_back(settings.releases, settings.ledger, to=three[0].id, by="ann", reason="r")
    roll_back(settings.releases, settings.ledger, to=three[1].id, by="ann", reason="r")
    (settings.releases / "CURRENT").unlink()
    repaired(settings, look_at_releases)
    assert current(settings.releases) == three[1]


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
