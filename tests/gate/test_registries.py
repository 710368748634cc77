"""Metrics and guardrails are found in their folders, each once; the reference is what they say of themselves."""

from pathlib import Path

from pipeline.gate.guardrails.registry import all_guardrails, named
from pipeline.gate.reference import reference
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.metrics.registry import all_metrics
from pipeline.storage.evaluation_table import EVALUATION

ROOT = Path(__file__).parents[2]


def files(folder: str) -> int:
    return len([p for p in (ROOT / "pipeline" / folder).glob("*.py") if p.stem not in {"__init__", "registry"}])


def test_every_file_of_the_folders_is_a_metric() -> None:
    assert len(all_metrics()) == files("metrics/listener") + files("metrics/catalogue")
    names = [metric.record_name for metric in all_metrics()]
    assert len(names) == len(set(names))


def test_the_columns_of_an_evaluation_table_are_the_metrics_in_their_order() -> None:
    metrics = ["ndcg", "recall", "precision", "average_precision", "reciprocal_rank", "hit"]
    assert [metric.name for metric in listener_metrics()] == metrics
    slices = ["slice_light", "slice_heavy", "slice_new"]
    assert EVALUATION.names == ["seed", "listener_id", "n_relevant", *metrics, *slices]


def test_guardrails_of_some_names_keep_their_order() -> None:
    names = [guardrail.name for guardrail in all_guardrails()]
    assert [guardrail.name for guardrail in named(reversed(names))] == names
    assert [guardrail.name for guardrail in named(["memory", "coverage"])] == ["coverage", "memory"]


def test_the_published_reference_is_that_of_the_code() -> None:
    found = (ROOT / "docs" / "reference" / "measures.md").read_text(encoding="utf-8")
    assert found == reference(), "run: python -m pipeline.gate.reference > docs/reference/measures.md"
