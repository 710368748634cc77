"""Records of earlier code replay bit for bit, and can be read by everything that shows a decision.

`records/schema-3` was written by the code of schema 3 (commit 6de9f89), before metrics and guardrails described
themselves: a first night without a served model, and a night that serves als.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.gate import record_v3
from pipeline.gate.guardrails.registry import all_guardrails
from pipeline.gate.record_reader import inputs_from, parse_record
from pipeline.nightly.explain import compared, explained
from pipeline.nightly.replay import replay, what_if
from pipeline.reports.render import render

RECORDS = Path(__file__).parent / "records"
FOLDERS = sorted(path.parent for path in RECORDS.glob("*/*/decision.json"))
IDS = [f"{folder.parent.name}-{folder.name}" for folder in FOLDERS]


def document(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "decision.json").read_text(encoding="utf-8"))
    return found


def text_of(renderable: Any) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


def test_there_is_a_record_of_every_earlier_schema() -> None:
    assert {document(folder)["schema"] for folder in FOLDERS} >= {record_v3.SCHEMA}


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_an_old_record_replays_bit_for_bit(folder: Path) -> None:
    assert replay(folder / "decision.json") == document(folder)


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_an_old_record_is_shown_and_explained(folder: Path) -> None:
    old = document(folder)
    page = render(old)
    assert old["digest"] in page
    assert f'<td class="text">{old["schema"]}</td>' in page
    assert "what is measured" in page
    assert old["verdict"] in page
    assert "top 1 % share" in text_of(explained(old))


@pytest.mark.parametrize("folder", FOLDERS, ids=IDS)
def test_an_old_record_answers_other_assumptions_in_its_own_schema(folder: Path) -> None:
    before, after = what_if(folder / "decision.json", ["economics.listeners=50000000", "gate.max_churn=0.05"])
    assert after["schema"] == before["schema"]
    assert after.keys() == before.keys()
    assert after["gate"] == before["gate"] | {"max_churn": 0.05}
    broken = {gate["name"] for c in after["challengers"] for gate in c["gates"] if gate["passed"] is False}
    assert "churn_between_fits" in broken
    assert "what if" in text_of(compared(before, after))


def test_schema_3_was_judged_by_its_own_guardrails_and_lacks_metrics_as_null() -> None:
    inputs = inputs_from(document(RECORDS / "schema-3" / "served"))
    assert inputs.guardrails == tuple(g.name for g in all_guardrails() if g.name in record_v3.GUARDRAILS)
    assert set(inputs.guardrails) == set(record_v3.GUARDRAILS)
    record = parse_record(document(RECORDS / "schema-3" / "served"))
    assert [metric.name for metric in record.metrics] == list(record_v3.METRICS)
    assert record.evidence.measured["als"].metrics["catalogue_coverage"] == 0.3
    assert "map" not in record.evidence.measured["als"].metrics
    assert "–" in render(document(RECORDS / "schema-3" / "served"))


def test_a_record_that_names_an_unknown_guardrail_cannot_be_made_again() -> None:
    from pipeline.gate.guardrails.registry import named

    with pytest.raises(ValueError, match="no guardrail 'of_tomorrow'"):
        named(["coverage", "of_tomorrow"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 2}, "schema 2 is not among"),
        ({"verdict": "MAYBE"}, "verdict"),
        ({"unheard_of": 1}, "unheard_of"),
        ({"evidence": {}}, "recipes"),
    ],
)
def test_a_document_of_another_shape_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_record(document(RECORDS / "schema-3" / "first") | change)
