"""Recommendations must not gather on the most popular items."""

from pipeline.gate.guardrail import Case, Finding, Guardrail


def _check(case: Case) -> Finding:
    return Finding(case.challenger.top_share, case.champion.top_share + case.params.max_top_share_increase)


GUARDRAILS = (
    Guardrail(
        "top_1_percent_share",
        label="top 1 % share",
        explanation=(
            "Share of recommendations that go to the most popular 1 % of items; at most `max_top_share_increase` above "
            "the champion's."
        ),
        kind="relative",
        side="at most",
        unit="share",
        check=_check,
        place=40,
    ),
)
