"""Absolute limits of a recipe's cost: recipes over one are excluded before costs are compared."""

from pipeline.gate.balance import measured
from pipeline.gate.guardrail import Finding, Guardrail

GUARDRAILS = (
    Guardrail(
        "batch_seconds_limit",
        label="time, limit",
        explanation="Elapsed time of one fit and one scoring; at most `max_batch_seconds`.",
        kind="limit",
        side="at most",
        unit="s",
        check=lambda case: Finding(measured(case.challenger).batch_seconds, case.params.max_batch_seconds),
        place=70,
    ),
    Guardrail(
        "memory_limit",
        label="memory, limit",
        explanation="Peak memory of fit and scoring; at most `max_memory_bytes`.",
        kind="limit",
        side="at most",
        unit="B",
        check=lambda case: Finding(measured(case.challenger).peak_rss_bytes, case.params.max_memory_bytes),
        place=70,
    ),
    Guardrail(
        "model_bytes_limit",
        label="model size, limit",
        explanation="Size of the model on disk; at most `max_model_bytes`.",
        kind="limit",
        side="at most",
        unit="B",
        check=lambda case: Finding(measured(case.challenger).model_bytes, case.params.max_model_bytes),
        place=70,
    ),
)
