"""Expectations of the volume of the latest day, the age of the last play, and missing days."""

import datetime as dt
from collections.abc import Mapping
from statistics import median
from typing import Any

from pipeline.params.base import Band
from pipeline.params.validation import ValidationParams
from pipeline.validation.daily import DayFacts
from pipeline.validation.expectations import Expect, within

_FEWEST_DAYS, _FEWEST_WEEKDAYS = 7, 4
"""The fewest days for a median; days of the same weekday are used if there are enough."""


def volume_facts(days: list[DayFacts], *, as_of: dt.date, params: ValidationParams) -> dict[str, Any]:
    """Return facts of the latest complete day: `plays_ratio` and `listeners_ratio` to the median of the days before
    (None with too few days or listeners); `age_days` of the last play; `n_missing`, the number of days without plays.

    A latest day without data counts as a day without plays or listeners: its ratios are 0.
    """
    latest, by_day = as_of - dt.timedelta(days=1), {dt.date.fromisoformat(day["day"]): day for day in days}
    before = [latest - dt.timedelta(days=n) for n in range(1, params.median_days + 1)]
    present = [day for day in before if day in by_day]
    alike = [day for day in present if day.weekday() == latest.weekday()]
    reference = alike if len(alike) >= _FEWEST_WEEKDAYS else present
    facts: dict[str, Any] = {"day": latest.isoformat(), "compared_with": len(reference)}
    usual = {n: median([by_day[d][n] for d in reference] or [0]) for n in ("plays", "listeners")}
    decided = len(present) >= _FEWEST_DAYS and usual["listeners"] >= params.min_listeners
    for name, middle in usual.items():
        facts[name] = by_day[latest][name] if latest in by_day else 0
        facts[f"usual_{name}"] = middle
        facts[f"{name}_ratio"] = facts[name] / middle if decided else None
    last = max(by_day, default=None)
    seconds = 0 if last is None else by_day[last]["last_second"]
    facts["age_days"] = None if last is None else (as_of - last).days - seconds / 86_400
    expected = [day for day in [latest, *before] if by_day and day >= min(by_day)]
    facts["n_missing"] = sum(day not in by_day for day in expected)
    return facts


def volume_suite(facts: Mapping[str, Any], params: ValidationParams) -> list[Expect]:
    """Return the expectations of the latest day."""
    missing = f"no day without plays in the last {params.median_days + 1} (there are {facts['n_missing']})"
    return [
        *(_band(name, facts, params.stop_day_ratio, stops=True) for name in ("plays", "listeners")),
        *(_band(name, facts, params.warn_day_ratio, stops=False) for name in ("plays", "listeners")),
        _fresh(facts, params.stop_age_days, stops=True),
        _fresh(facts, params.warn_age_days, stops=False),
        within("n_missing", missing, at_most=0, severity="warn"),
    ]


def _band(name: str, facts: Mapping[str, Any], band: Band, *, stops: bool) -> Expect:
    return within(
        f"{name}_ratio",
        f"{facts['day']} has {band.low:g} to {band.high:g} times the {name} of a usual day "
        f"(it has {facts[name]:,}; the median of {facts['compared_with']} days is {facts[f'usual_{name}']:,.0f})",
        at_least=band.low,
        at_most=band.high,
        severity="stop" if stops else "warn",
    )


def _fresh(facts: Mapping[str, Any], bound: float, *, stops: bool) -> Expect:
    age = "there are no plays" if facts["age_days"] is None else f"it is {facts['age_days']:.1f}"
    return within(
        "age_days",
        f"the last play is at most {bound:g} days old ({age})",
        at_most=bound,
        severity="stop" if stops else "warn",
    )
