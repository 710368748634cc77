"""Every list must be one that can be served."""

from pipeline.gate.guardrail import Finding, Guardrail

GUARDRAILS = (
    Guardrail(
        "lists_valid",
        label="invalid lists",
        explanation="Lists with an item twice, an item heard before, or a score that is not finite or rises; none.",
        kind="hard",
        side="at most",
        unit="lists",
        check=lambda case: Finding(case.challenger.n_invalid_lists, 0.0),
        place=10,
    ),
)
