"""Tonight must not contradict the nights that it is pooled with: a gain may have gone."""

from pipeline.gate.candidates import contrast
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail


def _check(case: Case) -> Finding | None:
    if case.earlier is None or not case.earlier.nights:
        return None
    return Finding(contrast(case.challenger, case.champion, case.cells).upper(GUARDRAIL_ALPHA), case.required_gain)


GUARDRAILS = (
    Guardrail(
        "tonight_agrees",
        label="tonight agrees",
        explanation="Upper bound of tonight's gain alone; below what must be proven, it contradicts the pooled nights.",
        kind="hard",
        side="at least",
        unit="metric",
        check=_check,
        lanes=("upgrade",),
        place=15,
        by_the_log=True,
    ),
)
