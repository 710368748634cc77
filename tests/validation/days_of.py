"""Facts of made-up days, as `pipeline.validation.daily` would leave them."""

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd

from pipeline.configuration import load_params
from pipeline.validation.daily import N_DURATION_BINS, N_PLAYS_BINS
from pipeline.validation.expectations import Expect, SuiteReport, check

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml").validation
AS_OF = dt.date(2026, 3, 2)
FEBRUARY = [dt.date(2026, 2, 1) + dt.timedelta(days=n) for n in range(29)]
"""29 days, the last of them the day before AS_OF; with 7 decision days the window begins on 23 February."""
DECISION_FROM = dt.date(2026, 2, 23)


def day(date: dt.date, **facts: Any) -> dict[str, Any]:
    """A day of 200 listeners with ten plays each, an hour like the other."""
    usual: dict[str, Any] = {
        "day": date.isoformat(),
        "plays": 2400,
        "listeners": 200,
        "empty_texts": 0,
        "unknown_artists": 0,
        "min_ms": 0,
        "max_ms": 600_000,
        "misplaced": 0,
        "last_second": 86_399,
        "suspects": [],
        "people": 200,
        "people_plays": 2400,
        "top_listener_plays": 60,
        "top_artist_plays": 100,
        "hours": [100] * 24,
        "durations": [240] * N_DURATION_BINS,
        "plays_each": [0, 50, 100, 50] + [0] * (N_PLAYS_BINS - 4),
    }
    return usual | facts


def held_against(facts: dict[str, Any], suite: list[Expect], *, nullable: Any = ()) -> SuiteReport:
    return check(pd.DataFrame([facts]), suite, name="suite", nullable=nullable)
