"""Expectations of the night as a whole: the number of plays, and the shares of unusable ones."""

from collections.abc import Mapping
from typing import Any

from pipeline.params.validation import ValidationParams
from pipeline.validation.daily import DayFacts
from pipeline.validation.expectations import Expect, within
from pipeline.validation.files import faulty, worst_file


def night_facts(days: list[DayFacts], landed: Mapping[str, Any]) -> dict[str, Any]:
    """Return `plays`, `days`, and the shares of plays by unknown artists and of quarantined rows, None if undefined."""
    n_plays, n_unknown = (sum(day[name] for day in days) for name in ("plays", "unknown_artists"))
    return {
        "plays": n_plays,
        "days": len(days),
        "unknown_artist_share": n_unknown / n_plays if n_plays else None,
        "quarantine_share": faulty(landed) / landed["read"] if landed["read"] else None,
    }


def night_suite(
    facts: Mapping[str, Any], params: ValidationParams, *, max_quarantine_share: float, landed: Mapping[str, Any]
) -> list[Expect]:
    """Return the expectations of the night."""
    unknown, quarantined = facts["unknown_artist_share"] or 0.0, facts["quarantine_share"] or 0.0
    return [
        within(
            "plays",
            f"at least {params.min_plays:,} plays before the night (there are {facts['plays']:,})",
            at_least=params.min_plays,
        ),
        within(
            "unknown_artist_share",
            f"at most {params.max_unknown_artist_share:.2%} of plays by an unknown artist (it is {unknown:.2%})",
            at_most=params.max_unknown_artist_share,
        ),
        within(
            "quarantine_share",
            f"at most {max_quarantine_share:.2%} of rows in quarantine (it is {quarantined:.2%}{worst_file(landed)})",
            at_most=max_quarantine_share,
        ),
    ]
