"""Lists must not show much less of the catalogue."""

from pipeline.gate.guardrail import Finding, Guardrail

GUARDRAILS = (
    Guardrail(
        "coverage",
        label="coverage",
        explanation="Share of the catalogue that lists show; at least `min_coverage_ratio` times the champion's.",
        kind="relative",
        side="at least",
        unit="share",
        check=lambda case: Finding(case.challenger.coverage, case.params.min_coverage_ratio * case.champion.coverage),
        place=30,
    ),
)
