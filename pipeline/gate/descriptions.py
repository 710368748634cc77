"""Metrics and guardrails in words, for records that people can read without the code of their night."""

from collections.abc import Iterable

from pipeline.gate.guardrail import Guardrail
from pipeline.gate.guardrails.registry import all_guardrails, named
from pipeline.json_values import Json
from pipeline.metrics.registry import all_metrics


def metric_descriptions(k: int, names: Iterable[str] | None = None) -> list[Json]:
    """Return the registry's entries for the named metrics, for all by default; unknown names are skipped.

    Args:
        k: length of the lists, for labels such as NDCG@10.
        names: `record_name` of each metric.
    """
    wanted = None if names is None else set(names)
    return [
        {
            "name": metric.record_name,
            "label": metric.title(k),
            "unit": metric.unit,
            "direction": metric.direction,
            "description": metric.description,
        }
        for metric in all_metrics()
        if wanted is None or metric.record_name in wanted
    ]


def guardrail_descriptions(names: Iterable[str] | None = None) -> list[Json]:
    """Return the registry's entries for the named guardrails; for all by default.

    Raises:
        ValueError: a name is not in the registry.
    """
    return [_described(each) for each in (all_guardrails() if names is None else named(names))]


def _described(guardrail: Guardrail) -> Json:
    return {
        "name": guardrail.name,
        "label": guardrail.label,
        "explanation": guardrail.explanation,
        "kind": guardrail.kind,
        "side": guardrail.side,
        "unit": guardrail.unit,
        "lanes": list(guardrail.lanes),
    }
