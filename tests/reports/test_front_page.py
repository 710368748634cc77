"""reports/index.html: the last night, what is served, and every night with its verdict and money."""

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from pipeline.gate.record_reader import parse_record
from pipeline.nightly.front_page import keep_night, write_front_page
from pipeline.reports.front_page import compare, render_front_page
from pipeline.reports.night_line import NightLine, night_line
from pipeline.settings import Settings, load_settings
from pipeline.storage.json_files import write_json, write_text
from tests.gate.made_records import FULL, record
from tests.reports.test_page import CASES, Balance

PROMOTED, KEPT = (night_line(parse_record(CASES[case])) for case in ("promote", "keep"))
SERVED = {
    "release": "2026-02-12-072f5d5d3315",
    "night": "2026-02-12",
    "recipe": "als",
    "n_listeners": 1500,
    "age_nights": 1,
    "rolled_back": None,
}
FRESH: dict[str, Any] = {"due": "2026-02-13", "served": SERVED, "stale": False, "why": []}


def dated(line: NightLine, as_of: str) -> NightLine:
    return line.model_copy(update={"as_of": as_of})


NIGHTS = [dated(KEPT, "2026-02-11"), dated(PROMOTED, "2026-02-12")]
FILES = {"decision-2026-02-12.html", "monitor.html", "data_docs/index.html", "data_docs/2026-02-12/ingest.html"}


def page(status: dict[str, Any] = FRESH, nights: list[NightLine] = NIGHTS) -> str:
    return render_front_page(nights, status, FILES, checks={"2026-02-12": "passed"})


def test_it_opens_with_the_last_nights_sentence_and_what_is_served() -> None:
    head = page().split("</header>")[0]
    assert f"<h1>{PROMOTED.sentence}</h1>" in head
    assert '<dd class="big">1 night</dd>' in head
    assert "to 1,500 listeners; release 2026-02-12-072f5d5d3315" in head
    assert "is stale" not in head


def test_every_link_leads_to_a_file_that_exists_and_nothing_is_loaded() -> None:
    parser = Balance()
    parser.feed(page())
    links = set(re.findall(r'href="([^"]+)"', page()))
    assert links == FILES | {"http://127.0.0.1:5000"}
    assert {resource.split()[0] for resource in parser.resources} == {"a"}
    assert "<script" not in page()


def test_each_night_has_verdict_and_money_and_two_stand_side_by_side() -> None:
    rows = re.findall(r'<tr role="row">(.*?)</tr>', page())
    kept = next(row for row in rows if 'scope="row">2026-02-11</th>' in row)
    assert "KEEP" in kept
    assert f"{round(KEPT.net_benefit):+,d} EUR" in kept
    table = compare(*NIGHTS)
    shown = {name: (before, after) for name, before, after in table.rows}
    assert shown["verdict"] == ("KEEP", "PROMOTE")
    assert shown["added cost a month"][1] == f"{round(PROMOTED.monthly_cost):+,d} EUR"
    assert "There is one night so far." in page(nights=NIGHTS[:1])


def test_a_night_without_a_challenger_has_dashes_and_a_stale_release_says_why() -> None:
    alone = night_line(parse_record(CASES["alone"]))
    stale = FRESH | {"stale": True, "why": ["the night of 2026-02-13 failed at validate: half a <file>"]}
    html = page(stale, [alone])
    assert "half a &lt;file&gt;" in html.split("</header>")[0]
    assert "nan" not in html
    assert ("net benefit", "–", "–") in compare(alone, alone).rows


def test_without_a_release_it_is_written_all_the_same(tmp_path: Path) -> None:
    settings = load_settings({}, workspace=tmp_path)
    assert write_front_page(settings) is None
    keep_night(settings.reports, record(FULL))
    index = write_front_page(settings, due=dt.date(2026, 2, 12))
    assert index is not None
    assert "no release is served" in index.read_text(encoding="utf-8")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = load_settings({}, workspace=tmp_path)
    write_json(found.reports / "night-2026-02-12.json", {"decision": CASES["promote"]})  # of an earlier version
    keep_night(found.reports, {**CASES["keep"], "as_of": "2026-02-13"})
    return found


def test_nights_of_earlier_versions_are_listed_and_unreadable_ones_are_not(settings: Settings) -> None:
    write_text(settings.reports / "nights" / "2026-02-14.json", "{")
    write_json(settings.reports / "night-2026-02-15.json", {"decision": {"schema": 99}})
    index = write_front_page(settings, due=dt.date(2026, 2, 13))
    assert index is not None
    html = index.read_text(encoding="utf-8")
    assert [f'scope="row">{day}</th>' in html for day in ("2026-02-12", "2026-02-13")] == [True, True]
    assert "2026-02-14" not in html
    assert "2026-02-15" not in html
    assert "2026-02-13 beside 2026-02-12" in html


def test_the_same_files_give_the_same_bytes(settings: Settings) -> None:
    written = []
    for _ in range(2):
        index = write_front_page(settings, due=dt.date(2026, 2, 13))
        assert index is not None
        written.append(index.read_bytes())
        index.unlink()
    assert written[0] == written[1]
