"""The reference of metrics and guardrails, in Markdown.

Generate the page with: python -m pipeline.gate.reference > docs/reference/measures.md
"""

from pipeline.gate.guardrail import Guardrail
from pipeline.gate.guardrails.registry import all_guardrails
from pipeline.metrics.metric import ListenerMetric, Metric
from pipeline.metrics.registry import all_metrics

_KINDS = {
    "limit": "hard limit of a recipe's own cost",
    "hard": "absolute",
    "relative": "relative to the champion",
}


def reference() -> str:
    """Return the Markdown of docs/reference/measures.md."""
    parts = [
        "# Metrics and guardrails",
        "Generated from `pipeline/metrics` and `pipeline/gate/guardrails` by\n"
        "`python -m pipeline.gate.reference > docs/reference/measures.md`.",
        "## Metrics",
        "An undefined value is NaN in tables and null in JSON.",
        *(_metric(metric) for metric in all_metrics()),
        "## Guardrails",
        "A challenger is promoted only if all guardrails of the upgrade lane pass; the\n"
        "champion's newer fit is served only if all of the refresh lane do.",
        *(_guardrail(guardrail) for guardrail in all_guardrails()),
    ]
    return "\n\n".join(parts) + "\n"


def _metric(metric: Metric) -> str:
    direction = "" if metric.direction == "neither" else f", {metric.direction} is better"
    per_listener = isinstance(metric, ListenerMetric)
    key = f"{metric.record_name}_at_K" if per_listener else metric.record_name
    scope = f"one value a listener, column `{metric.name}`" if per_listener else "one value for all lists"
    return f"**{metric.label}** (`{key}`, {metric.unit}{direction}; {scope})\\\n{metric.description}"


def _guardrail(guardrail: Guardrail) -> str:
    lanes = " and ".join(guardrail.lanes)
    return f"**{guardrail.label}** (`{guardrail.name}`, {_KINDS[guardrail.kind]}; {lanes})\\\n{guardrail.explanation}"


if __name__ == "__main__":
    print(reference(), end="")  # noqa: T201
