"""Whatever is served tonight must not be shown to be worse than what is served already."""

from collections.abc import Callable
from functools import partial

from pipeline.gate.guardrail import Case, Finding, Guardrail, Lane
from pipeline.gate.refresh import CHAIN, LEVEL, TONIGHT, Change

Check = Callable[[Case], Finding | None]


def _tonight(case: Case) -> Finding | None:
    change = _change(case, TONIGHT)
    return None if change is None else Finding(change.upper_bound, -case.params.refresh_margin)


def _over_nights(what: str, case: Case) -> Finding | None:
    change = _change(case, what)
    if change is None:
        return None
    return Finding(change.change, -case.params.refresh_margin, shown=change.upper_bound < 0)


def _change(case: Case, what: str) -> Change | None:
    return next((each for each in case.changes if each.what == what), None)


def _guardrail(name: str, check: Check, label: str, explanation: str, *lanes: Lane) -> Guardrail:
    return Guardrail(
        name,
        label=label,
        explanation=explanation,
        kind="relative",
        side="at least",
        unit="share",
        check=check,
        lanes=lanes,
        place=0,
        by_the_log="upgrade" in lanes,
    )


GUARDRAILS = (
    _guardrail(
        "not_worse_than_served",
        _tonight,
        "not worse than served",
        "Upper bound of the gain over the served model on tonight's window; below −`refresh_margin`, a loss is shown.",
        "upgrade",
        "refresh",
    ),
    _guardrail(
        "not_worse_since_promotion",
        partial(_over_nights, CHAIN),
        "refreshes since the promotion",
        "Sum of all refreshes that were served since the promotion; beyond −`refresh_margin`, a loss that is "
        "shown stops them.",
        "refresh",
    ),
    _guardrail(
        "not_worse_than_popular_was",
        partial(_over_nights, LEVEL),
        "gain over the popular list, then and now",
        "Change of the champion's gain over the popular list since the promotion; beyond −`refresh_margin`, a loss "
        "that is shown stops refreshing.",
        "refresh",
    ),
)
