"""Every model must be better than the popular list."""

from pipeline.gate.candidates import contrast
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail


def _check(case: Case) -> Finding | None:
    if case.challenger.family == case.popular.family:
        return None
    return Finding(contrast(case.challenger, case.popular).lower(GUARDRAIL_ALPHA), 0.0)


GUARDRAILS = (
    Guardrail(
        "beats_popular",
        label="gain over the popular list",
        explanation="Lower bound of the gain over the popular list; above 0.",
        kind="hard",
        side="above",
        unit="metric",
        check=_check,
        place=20,
    ),
)
