"""A refresh must not be worse than what is served."""

from pipeline.gate.candidates import contrast
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail


def _check(case: Case) -> Finding:
    comparison = contrast(case.challenger, case.champion)
    bound = -case.params.refresh_margin * comparison.champion_mean
    return Finding(comparison.lower(GUARDRAIL_ALPHA), bound)


GUARDRAILS = (
    Guardrail(
        "not_worse_than_served",
        label="not worse than served",
        explanation="Lower bound of the newer fit's gain over the served model; its loss is at most `refresh_margin`.",
        kind="relative",
        side="not worse than",
        unit="metric",
        check=_check,
        lanes=("refresh",),
        place=0,
    ),
)
