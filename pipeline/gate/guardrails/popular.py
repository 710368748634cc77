"""Every model must be better than the popular list."""

from pipeline.gate.candidates import contrast
from pipeline.gate.guardrail import GUARDRAIL_ALPHA, Case, Finding, Guardrail


def _beats(case: Case) -> Finding | None:
    if case.challenger.family == case.popular.family:
        return None
    return Finding(contrast(case.challenger, case.popular, case.cells).lower(GUARDRAIL_ALPHA), 0.0)


def _not_below(case: Case) -> Finding | None:
    if case.challenger.family == case.popular.family:
        return None
    return Finding(contrast(case.challenger, case.popular, case.cells).upper(GUARDRAIL_ALPHA), 0.0)


GUARDRAILS = (
    Guardrail(
        "beats_popular",
        label="gain over the popular list",
        explanation="Lower bound of the gain over the popular list; above 0.",
        kind="hard",
        side="above",
        unit="metric",
        check=_beats,
        lanes=("upgrade",),
        place=20,
    ),
    Guardrail(
        "not_below_popular",
        label="not below the popular list",
        explanation="Upper bound of the gain over the popular list; below 0, the newer fit is shown to be worse.",
        kind="hard",
        side="at least",
        unit="metric",
        check=_not_below,
        lanes=("refresh",),
        place=20,
    ),
)
