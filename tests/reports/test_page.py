"""The decision page shows the whole record, and escapes everything that it embeds."""

import copy
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from pipeline.gate.record_reader import parse_record
from pipeline.gate.spending import Clock, History, Override
from pipeline.gate.wording import DASH
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.decision_view import View
from pipeline.reports.render import render
from tests.gate.made_records import FULL, before, record

OVERRIDE = Override("item_knn", "Ada", "a <b>test</b>", "2026-02-12", "2026-03-01")
POOLED = History("als", clocks={"popular": Clock("spent", until="2026-04-01")}, pairs={"item_knn": before(10, 11)})
CASES = {
    "promote": record(FULL),
    "keep": record({"popular": 0.1, "als": 0.1001}),
    "alone": record({"popular": 0.1}),
    "invalid": record(FULL, faults=("als cannot be read: data/models",)),
    "nothing": record({}),
    "override": record(FULL, history=History(override=OVERRIDE)),
    "refreshed and pooled": record(FULL, served="als", history=POOLED),
    "worthless": record(FULL, margin_per_listener_day=0.0),
}  # fmt: skip


class Balance(HTMLParser):
    """Every element that is opened is closed, in order."""

    VOID = frozenset({"meta", "br", "circle", "path", "line", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.resources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.resources += [f"{tag} {name}" for name, _ in attrs if name in {"src", "href", "srcset", "data"}]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag


@pytest.mark.parametrize("case", CASES)
def test_it_is_one_well_formed_file_without_resources(case: str) -> None:
    html = render(CASES[case])
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert parser.resources == []
    assert "<script" not in html
    assert "url(" not in html
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)
    text = re.sub(r"<[^>]*>", " ", html)
    assert not re.search(r"\b(None|nan|inf|undefined)\b", text)
    assert render(CASES[case]) == html


@pytest.mark.parametrize("case", CASES)
def test_the_first_screen_is_the_verdict_and_the_sentence(case: str) -> None:
    told = CASES[case]
    head = re.sub(r"<[^>]*>", "", render(told).split("</header>")[0])
    assert told["verdict"] in head
    assert told["sentence"].replace("<", "&lt;").replace(">", "&gt;") in head
    assert f"Served from tonight: {told['serve']['recipe']}" in head
    assert all(fault in head for fault in told["faults"])


def test_every_recipe_guardrail_and_price_is_there_and_assumptions_are_called_so() -> None:
    told, html = CASES["promote"], render(CASES["promote"])
    spoken = next(c for c in told["challengers"] if c["recipe"] == told["challenger"])
    labels = {guardrail["name"]: guardrail["label"] for guardrail in told["guardrails"]}
    for gate_ in spoken["gates"]:
        assert labels[gate_["name"]] in html
    for flip in spoken["prospect"]["flips"]:
        assert re.search(rf"<td>{flip['price']}</td>.*?assumed", html)
    assert all(f"<td>{recipe}</td>" in html for recipe in told["recipes"])
    assert 'Prices and assumptions <span class="assumed">assumed</span>' in html
    assert told["digest"] in html
    assert html.count("<svg") == 3


def test_an_override_is_seen_at_once_and_its_text_is_only_text() -> None:
    head = render(CASES["override"]).split("</header>")[0]
    assert "Override in force." in head
    assert "by Ada, until 2026-03-01" in head
    assert "a &lt;b&gt;test&lt;/b&gt;" in head
    assert "<b>" not in head


def test_a_hostile_record_stays_text() -> None:
    told = copy.deepcopy(CASES["promote"])
    told["sentence"] = told["challengers"][0]["recipe"] = told["notes"][0] = "<script>alert(1)</script>"
    html = render(told)
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_every_family_says_how_it_can_be_explained_and_one_that_is_gone_has_a_dash() -> None:
    view = View(parse_record(CASES["promote"]))
    assert all(view.explained(family) not in {"", DASH} for family in FAMILIES)
    assert view.explained("of_an_earlier_release") == DASH
