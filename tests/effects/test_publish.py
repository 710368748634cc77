"""From a night's outputs to the answer that a listener gets."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.effects import publish
from pipeline.errors import ReleaseError, SettingsError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.releases.lookup import answer_lines, answer_table, lookup, releases_table, token_in
from pipeline.releases.release import current, verify
from pipeline.settings import Settings
from pipeline.storage.json_files import write_json
from tests.stages.nights import plant_night


def printed(table: object) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(table)
    return console.export_text()


def listed(settings: Settings) -> str:
    """Return the table of releases as text."""
    return printed(releases_table(settings.releases, settings.state, keep=settings.keep_releases))


def test_a_night_is_published_once_and_answers_for_its_listeners(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    assert publish.run(context) == publish.run(context)
    release = current(context.settings.releases)
    verify(release)
    assert (release.recipe, release.manifest["n_listeners"]) == ("als", 2)
    assert release.manifest["origin"]["sentence"].startswith("PROMOTED als")
    answer = lookup(current(context.settings.releases), "u")
    assert answer.known
    assert [(row["rank"], row["item_id"]) for row in answer.rows] == [(1, "a"), (2, "b")]
    assert answer_lines(answer, "U")[0] == "for U"
    other = [{**answer.rows[0], "reason": "because you play B"}, answer.rows[1]]
    assert "because you play B" in printed(answer_table(replace(answer, rows=other)))


def test_a_stranger_gets_the_fallback_list_and_a_hostile_name_is_only_text(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    publish.run(context)
    name = "[red]zoe[/red]"
    release = current(context.settings.releases)
    answer = lookup(release, token_in(release, name, OPEN_KEY))
    assert not answer.known
    assert len(answer.rows) == 2
    told = "\n".join(answer_lines(answer, name))
    assert "[red]zoe[/red] is unknown" in told
    reason = answer.rows[0]["reason"]
    assert told.count(reason) == 1
    assert reason not in printed(answer_table(answer))


def test_a_lookup_with_another_key_or_in_a_release_from_before_tokens_is_refused(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    publish.run(context)
    root = context.settings.releases
    release = current(root)
    assert token_in(release, "ann", OPEN_KEY) == token_of("ann", OPEN_KEY)
    with pytest.raises(SettingsError, match="has no secret key"):
        token_in(release, "ann", b"k" * 16)
    old = {key: value for key, value in release.manifest.items() if key != "id_key"}
    write_json(release.folder / "manifest.json", old)
    with pytest.raises(ReleaseError, match=r"names listeners by their ids.*netgain state migrate"):
        token_in(current(root), "ann", OPEN_KEY)


def test_the_heldout_fit_of_a_kept_model_is_carried_over(tmp_path: Path) -> None:
    context = plant_night(tmp_path, verdict="KEEP", champion="als", served="als", source="served", model="old")
    publish.run(context)
    kept = current(context.settings.releases).heldout / "model.json"
    assert kept.read_bytes() == (context.layout.served / "model" / "model.json").read_bytes()
    fitted = plant_night(tmp_path, "2026-02-13", verdict="KEEP", champion="als", served="als")
    publish.run(fitted)
    fresh = current(context.settings.releases).heldout / "model.json"
    assert fresh.read_bytes() == (context.layout.model("als") / "seed-0" / "model.json").read_bytes()


def test_lists_that_failed_their_audit_are_not_published(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    write_json(context.layout.audit_report, {"suites": [{"name": "lists", "success": False}]})
    with pytest.raises(ReleaseError, match="failed their audit"):
        publish.run(context)
    assert not context.settings.releases.exists()


def test_nothing_published_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match=r"no release in .* Run a night first"):
        lookup(current(tmp_path), "u")


def test_releases_are_listed_the_newest_first_and_the_served_one_is_marked(tmp_path: Path) -> None:
    for as_of in ("2026-02-12", "2026-02-13"):
        context = plant_night(tmp_path, as_of)
        publish.run(context)
    lines = [
        line
        for line in printed(
            releases_table(context.settings.releases, context.settings.state, keep=context.settings.keep_releases)
        ).splitlines()
        if "2026-02-1" in line
    ]
    assert "served" in lines[0]
    assert "2026-02-13-" in lines[0]
    assert not any("served" in line for line in lines[1:])


def test_what_is_there_is_listed_also_where_it_is_damaged(tmp_path: Path) -> None:
    for as_of in ("2026-02-12", "2026-02-13"):
        context = plant_night(tmp_path, as_of)
        publish.run(context)
    settings = context.settings
    (current(settings.releases).folder / "manifest.json").write_text("{")
    lines = [
        line
        for line in printed(releases_table(settings.releases, settings.state, keep=settings.keep_releases)).splitlines()
        if "2026-02-1" in line
    ]
    assert ["damaged" in line for line in lines] == [True, False]
    assert not any("served" in line for line in lines)


def test_a_torn_file_of_the_release_is_said_in_one_line(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    publish.run(context)
    current(context.settings.releases).lists.write_bytes(b"PAR1")
    with pytest.raises(ReleaseError, match=r"lists\.parquet cannot be read"):
        lookup(current(context.settings.releases), "u")
