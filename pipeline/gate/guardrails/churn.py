"""Listeners must not see their lists replaced overnight."""

from pipeline.gate.guardrail import Case, Finding, Guardrail


def _since_served(case: Case) -> Finding | None:
    churn = case.challenger.churn_since_served
    return None if churn is None else Finding(churn, case.params.max_churn)


GUARDRAILS = (
    Guardrail(
        "churn_between_fits",
        label="churn between fits",
        explanation="Share of a list that another seed would replace; at most `max_churn`.",
        kind="hard",
        side="at most",
        unit="share",
        check=lambda case: Finding(case.challenger.churn_between_fits, case.params.max_churn),
        lanes=("upgrade",),
        place=60,
    ),
    Guardrail(
        "churn_since_served",
        label="churn since the served lists",
        explanation="Share of the served lists that the newer fit would replace; at most `max_churn`.",
        kind="hard",
        side="at most",
        unit="share",
        check=_since_served,
        lanes=("refresh",),
        place=80,
    ),
)
