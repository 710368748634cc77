"""Whatever is served tonight must not be shown to be worse than what is served already."""

from functools import partial

from pipeline.gate.guardrail import Case, Finding, Guardrail, Lane
from pipeline.gate.refresh import CHAIN, LEVEL, TONIGHT


def _check(what: str, case: Case) -> Finding | None:
    change = next((each for each in case.changes if each.what == what), None)
    return None if change is None else Finding(change.upper_bound, -case.params.refresh_margin)


def _guardrail(name: str, what: str, label: str, explanation: str, *lanes: Lane) -> Guardrail:
    return Guardrail(
        name,
        label=label,
        explanation=explanation,
        kind="relative",
        side="at least",
        unit="share",
        check=partial(_check, what),
        lanes=lanes,
        place=0,
    )


GUARDRAILS = (
    _guardrail(
        "not_worse_than_served",
        TONIGHT,
        "not worse than served",
        "Upper bound of the gain over the served model on tonight's window; below −`refresh_margin`, a loss is shown.",
        "upgrade",
        "refresh",
    ),
    _guardrail(
        "not_worse_since_promotion",
        CHAIN,
        "refreshes since the promotion",
        "Upper bound of the sum of all refreshes that were served since the promotion; at least −`refresh_margin`.",
        "refresh",
    ),
    _guardrail(
        "not_worse_than_popular_was",
        LEVEL,
        "gain over the popular list, then and now",
        "Upper bound of the change of the champion's gain over the popular list since the promotion; at least "
        "−`refresh_margin`.",
        "refresh",
    ),
)
