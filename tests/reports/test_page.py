"""The decision page shows the whole record, and escapes everything that it embeds."""

import copy
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pipeline.gate.candidates import COVERAGE, TOP_SHARE
from pipeline.gate.days import DayDifference
from pipeline.gate.evidence import Arrays, Evidence, Measured, SliceFigures
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import PARTS, Cells, Means, PairNight
from pipeline.gate.record import Inputs, make_record
from pipeline.gate.record_model import ArrayFile
from pipeline.gate.record_reader import parse_record
from pipeline.gate.spending import Clock, History, Override
from pipeline.gate.wording import DASH
from pipeline.metrics.cost import Cost
from pipeline.recommenders.registry import FAMILIES
from pipeline.reports.decision_view import View
from pipeline.reports.render import render
from tests.gate.gate_stories import DAYS, economics, every_day, gate, night

N = 800
NAN = float("nan")
FIT = Cost(3.2, 2.0, model_bytes=2**20, energy_provenance="constant")
SCORING = Cost(0.4, 0.2, scored_per_second=3000.0)
METRICS = {"ndcg": 0.1, "recall": 0.2, "precision": 0.1, "hit_rate": NAN, "novelty": 9.0, "gini": NAN}
SLICES = {"light": SliceFigures(200, 0.08), "heavy": SliceFigures(200, NAN), "new": SliceFigures(0, NAN)}


def measured(family: str) -> Measured:
    metrics = {**METRICS, COVERAGE: 0.4, TOP_SHARE: 0.2}
    return Measured(family, family == "als", metrics, 0, 0.1, None, night(), FIT, SCORING, SLICES)


def record(means: dict[str, float], **more: Any) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    arrays = {
        name: np.clip(mean + rng.normal(0, 0.03, (3 if name == "als" else 1, N)), 0, 1) for name, mean in means.items()
    }
    served = more.pop("served", None)
    if served:
        arrays["served"] = arrays[served][:1]
    evidence = Evidence(
        tuple(means),
        {name: replace(measured(name), churn_since_served=0.3 if served else None) for name in means},
        served,
        replace(measured(served), night=None) if served else None,
        more.pop("history", History()),
        more.pop("faults", ()),
    )
    slices = {name: np.arange(N) % 3 == i for i, name in enumerate(("light", "heavy", "new"))}
    cells = Cells(DAYS, (np.arange(N) % N_GROUPS).astype(np.int16), slices)
    files = {name: ArrayFile(file=f"evaluation/{name}.parquet", bytes=9, sha256="ab" * 32) for name in means}
    inputs = Inputs("2026-02-12", 10, evidence, gate(), economics(**more), DAYS, files, {"rule": "cd" * 32})
    earlier = {
        name: rng.normal(0, 0.03, (len(nights), len(PARTS), N_GROUPS)) / N
        for name, nights in evidence.history.pairs.items()
    }
    daily = {name: every_day(values) for name, values in arrays.items()}
    return make_record(inputs, Arrays(arrays, daily, cells, earlier))


def before(*days: int) -> tuple[PairNight, ...]:
    """Earlier nights of item_knn and als."""
    means = {part: Means(N, 0.2, 0.2005) for part in PARTS}
    return tuple(
        PairNight(f"2026-02-{day:02}", means, {f"2026-02-{day:02}": DayDifference(5e-4, 0.2, 1e-6)}, 3, 1)
        for day in days
    )


OVERRIDE = Override("item_knn", "Ada", "a <b>test</b>", "2026-02-12", "2026-03-01")
FULL = {"popular": 0.1, "als": 0.2, "item_knn": 0.19}
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
