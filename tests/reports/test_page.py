"""The decision page shows the whole record, and escapes everything that it embeds."""

import copy
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from pipeline.gate.spending import Clock, History, Override
from pipeline.gate.wording import DASH
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.decision_grids import explained
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
        turns = re.search(rf">economics.{flip['price']}</td>", html)
        assert (turns is not None) == (flip["flips_at"] is not None)
    assert all(f'scope="row">{recipe}</th>' in html for recipe in told["recipes"])
    assert 'Prices and assumptions <span class="assumed">assumed</span>' in html
    assert told["digest"] in html
    assert html.count("<svg") == 6  # each in two sizes


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
    assert all(explained(family) not in {"", DASH} for family in FAMILIES)
    assert explained("of_an_earlier_release") == DASH


def test_what_where_it_leads_and_how_sure_it_is_come_in_this_order_and_the_rest_is_folded() -> None:
    html = render(CASES["promote"])
    heads = re.findall(r"<h2>([^<]*)", html)
    assert [head.split()[0] for head in heads] == ["Why", "What", "How", "Accuracy", "Figures", "Prices"]
    open_ = re.sub(r"<details>.*?</details>", "", html, flags=re.DOTALL)
    assert "14,400 s" in html
    assert "14,400 s" not in open_
    assert "Metrics of every recipe" not in open_


def test_a_challenger_that_no_price_helps_has_a_sentence_instead_of_a_table_of_dashes() -> None:
    html = render(CASES["keep"])
    assert "No single price changes that it does not pay." in html
    assert "Where each price turns the balance" not in html
    assert "No gain and no price outweighs that." in html


def test_a_guardrail_that_is_not_judged_says_that_it_counts_for_neither_side() -> None:
    told = copy.deepcopy(CASES["promote"])
    gates = next(c for c in told["challengers"] if c["recipe"] == told["challenger"])["gates"]
    next(gate for gate in gates if gate["name"] == "slice_new").update(passed=None, value=None, bound=None, margin=None)
    html = render(told)
    assert "○ not judged" in html
    assert "it neither stops a challenger nor speaks for it" in html
    assert "neither stops" not in render(CASES["promote"])
