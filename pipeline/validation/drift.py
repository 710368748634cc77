"""Drift of listening behaviour: the decision window compared with the days before it, without suspected bots."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.metrics.stability import population_stability, stability_by_chance
from pipeline.params.validation import ValidationParams
from pipeline.validation.daily import DayFacts
from pipeline.validation.expectations import Expect, within

DISTRIBUTIONS = {
    "hours": "plays by hour of the day",
    "durations": "plays by duration",
    "plays_each": "listeners by plays a day",
}
_FEWEST_FOR_A_PERCENT = 100


def drift_facts(
    days: list[DayFacts], *, as_of: dt.date, decision_from: dt.date, params: ValidationParams
) -> dict[str, Any]:
    """Return the drift index of each of DISTRIBUTIONS as `psi_…`, and `top_listener_share`, `top_artist_share` of the
    decision window.

    A value is None if there are too few data. An index needs so many listener-days on either side that chance alone
    would give less than half of `warn_psi` (one listener's days are alike, so each listener-day is one observation,
    whatever its plays); the share of the top 1 % needs a hundred listeners a day.
    """
    first = decision_from - dt.timedelta(days=params.median_days)
    before = [day for day in days if first.isoformat() <= day["day"] < decision_from.isoformat()]
    now = [day for day in days if decision_from.isoformat() <= day["day"] < as_of.isoformat()]
    facts = {f"psi_{name}": _index(name, before, now, params.warn_psi) for name in DISTRIBUTIONS}
    people, plays = (sum(day[name] for day in now) / max(1, len(now)) for name in ("people", "people_plays"))
    tops = {"listener": _FEWEST_FOR_A_PERCENT, "artist": params.min_listeners}
    return facts | {
        f"top_{kind}_share": sum(day[f"top_{kind}_plays"] for day in now) / (plays * len(now))
        if plays and people >= fewest
        else None
        for kind, fewest in tops.items()
    }


def _index(name: str, before: Sequence[DayFacts], now: Sequence[DayFacts], bound: float) -> float | None:
    old, new = ([sum(counts) for counts in zip(*(day[name] for day in side), strict=True)] for side in (before, now))
    n_bins = sum(a + b > 0 for a, b in zip(old, new, strict=False))
    observed = [sum(day["people"] for day in side) for side in (before, now)]
    # A distribution with a single bin (a log without durations) cannot drift.
    if n_bins < 2 or stability_by_chance(n_bins, *observed) > bound / 2:
        return None
    return population_stability(old, new)


def drift_suite(facts: Mapping[str, Any], params: ValidationParams) -> list[Expect]:
    """Return the expectations on drift and concentration."""
    shares = [
        ("top_listener_share", params.max_top_listener_share, "the 1 % most active listeners account for"),
        ("top_artist_share", params.max_top_artist_share, "the most played artist accounts for"),
    ]
    return [
        *(_moved(name, facts, params.stop_psi, stops=True) for name in DISTRIBUTIONS),
        *(_moved(name, facts, params.warn_psi, stops=False) for name in DISTRIBUTIONS),
        *(
            within(
                column,
                f"{whose} at most {bound:.0%} of a day's plays ({_shown(facts[column], '.1%')})",
                at_most=bound,
                severity="warn",
            )
            for column, bound, whose in shares
        ),
    ]


def _moved(name: str, facts: Mapping[str, Any], bound: float, *, stops: bool) -> Expect:
    return within(
        f"psi_{name}",
        f"{DISTRIBUTIONS[name]} have drifted by at most {bound:g} (PSI; {_shown(facts[f'psi_{name}'], '.3f')})",
        at_most=bound,
        severity="stop" if stops else "warn",
    )


def _shown(value: float | None, form: str) -> str:
    return "too few data" if value is None else f"it is {value:{form}}"
