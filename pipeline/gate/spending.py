"""The error budget: the probability of any false promotion in a quarter is at most α, over all challengers.

A pair of champion and challenger is an entrant. Of α, each entrant may spend 1/M, evenly over its first ANALYSES
analyses of the quarter; M entrants fit into a quarter. What an entrant has not spent when its champion changes is free
again. The sum over entrants is a union bound; within an entrant, boundaries are exact (`boundary.py`).

A challenger is judged on days that were not there when it was chosen: only on a decision window that begins no
earlier than the first night that knew its definition. So trying a hundred variants and entering the best gains
nothing.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.days import DayDifference
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import PairNight
from pipeline.json_values import LEFT_OUT

ANALYSES = 28
"""Analyses of an entrant in a quarter: four weeks of nights."""

RECENT_NIGHTS = 90
"""Number of earlier nights whose fits are used to estimate a recipe's seed variance."""

Status = Literal["running", "waiting", "spent", "full"]


@dataclass(frozen=True)
class Clock:
    """Where an entrant stands in its analyses."""

    status: Status
    """`running`: analysed tonight; `waiting`: for a decision window that is newer than its definition; `spent`: all its
    analyses of the quarter are done; `full`: as many entrants as α allows came before it."""
    analysis: int = 0
    """Number of tonight's analysis in its quarter, from 1; 0 if it is not analysed."""
    until: str | None = None
    """The night from which it is analysed, YYYY-MM-DD, if it is not tonight."""


@dataclass(frozen=True)
class Override:
    """A person's decision to serve a recipe whatever the gate decides."""

    recipe: str
    """The recipe to serve."""
    by: str
    """Who decided."""
    reason: str
    """Why it was decided."""
    since: str
    """The first night that it is in force, YYYY-MM-DD."""
    until: str
    """The last night that it is in force, YYYY-MM-DD."""


@dataclass(frozen=True)
class Approval:
    """A person's answer to a promotion that waits for one; it holds for one night."""

    recipe: str
    """The recipe that was to be promoted."""
    by: str
    """Who answered."""
    reason: str
    """Why."""
    granted: bool
    """Whether it is promoted; else the champion is kept."""


@dataclass(frozen=True)
class History:
    """What earlier nights leave to this one."""

    champion: str | None = None
    """The gate's own choice of the last night; None before the first."""
    champion_night: NightCost | None = None
    """Measured cost of a night of it, for a champion that cannot be fitted again."""
    seeds: Mapping[str, tuple[EarlierSeeds, ...]] = field(default_factory=dict)
    """For each recipe, the variance between its fits of earlier nights."""
    override: Override | None = None
    """The override in force; None without one."""
    clocks: Mapping[str, Clock] = field(default_factory=dict)
    """For each challenger, where it stands."""
    pairs: Mapping[str, tuple[PairNight, ...]] = field(default_factory=dict)
    """For each challenger, the nights that tonight's comparison is pooled with; and the refresh lane's memory."""

    days: Mapping[str, Mapping[str, DayDifference]] = field(default_factory=dict)
    """For each challenger, days on which it was compared on other nights: they tell how much days vary."""

    approval: Approval | None = field(default=None, metadata=LEFT_OUT)
    """A person's answer to this night's promotion; left out without one."""

    def earlier(self, recipe: str) -> tuple[EarlierSeeds, ...]:
        return self.seeds.get(recipe, ())

    def clock(self, recipe: str) -> Clock:
        """Return where a challenger stands; its first analysis where nothing is known."""
        return self.clocks.get(recipe, Clock("running", 1))


FIRST_NIGHT = History()


def analysis_alpha(alpha: float, max_entrants: int) -> float:
    """Return the α of one analysis of one entrant, α / (M · ANALYSES)."""
    return alpha / (max_entrants * ANALYSES)


@dataclass(frozen=True)
class Entrant:
    """A challenger of tonight.

    Attributes:
        pair: digest of both recipes, their code and how they are measured: analyses with the same one are pooled.
        definition: digest of the challenger alone, with its code and how it is measured.
    """

    pair: str
    definition: str


def clocks(
    analyses: Sequence[Mapping[str, Any]],
    entrants: Mapping[str, Entrant],
    *,
    as_of: dt.date,
    inputs: str,
    decision_from: dt.date,
    max_entrants: int,
) -> dict[str, Clock]:
    """Return where each of tonight's challengers stands.

    A night that runs again with the same inputs keeps its numbers, so that its verdict stays the same. The same date
    with other inputs is another analysis.

    Args:
        analyses: entries of the ledger, with `as_of`, `inputs`, `definitions` and, for each challenger in `pairs`,
            `key` and `clock`.
        entrants: tonight's challengers, in the order of params.yaml.
        as_of: the night.
        inputs: digest of the night's parameters, logs and champion.
        decision_from: first day of its decision window.
        max_entrants: M.
    """
    analyses = [entry for entry in analyses if "definitions" in entry]  # others are of an earlier rule
    mine = {(entry["as_of"], entry["inputs"]): entry for entry in analyses}.get((as_of.isoformat(), inputs))
    others = [e for e in analyses if e is not mine and quarter(dt.date.fromisoformat(e["as_of"])) == quarter(as_of)]
    n_analyses: dict[str, int] = {}
    for entry in others:
        for pair in entry["pairs"].values():
            if pair["clock"]["analysis"]:
                n_analyses[pair["key"]] = n_analyses.get(pair["key"], 0) + 1
    live = {entrant.pair for entrant in entrants.values()}
    # In shares of one entrant's α: what others have spent, and the whole of those that are still running.
    used = math.fsum(1.0 if key in live else min(n, ANALYSES) / ANALYSES for key, n in n_analyses.items())
    found = {}
    for name, entrant in entrants.items():
        before = mine["pairs"].get(name) if mine else None
        if before is not None and before["key"] == entrant.pair:
            found[name] = Clock(**before["clock"])
            continue
        fresh_from = _fresh_from(analyses, entrant.definition, as_of)
        number = n_analyses.get(entrant.pair, 0)
        if fresh_from is not None and decision_from < fresh_from:
            found[name] = Clock("waiting", until=(as_of + (fresh_from - decision_from)).isoformat())
        elif number >= ANALYSES:
            found[name] = Clock("spent", until=_next_quarter(as_of).isoformat())
        elif not number and used + 1 > max_entrants + 1e-9:
            found[name] = Clock("full", until=_next_quarter(as_of).isoformat())
        else:
            used += not number
            found[name] = Clock("running", number + 1)
    return found


def _fresh_from(analyses: Sequence[Mapping[str, Any]], definition: str, as_of: dt.date) -> dt.date | None:
    """Return the first night that knew a definition: its decision windows begin no earlier. None if that was the first
    night of all, whose challengers could not be compared with anything served."""
    known = sorted((e["as_of"], definition in e["definitions"].values()) for e in analyses)
    known = [each for each in known if each[0] <= as_of.isoformat()]
    if not known:
        return None
    first = next((day for day, has in known if has), as_of.isoformat())
    return None if first == known[0][0] else dt.date.fromisoformat(first)


def quarter(day: dt.date) -> str:
    """Return a day's calendar quarter, such as `2026-Q1`."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def _next_quarter(day: dt.date) -> dt.date:
    first = dt.date(day.year, 3 * ((day.month - 1) // 3) + 1, 1)
    return (first + dt.timedelta(days=95)).replace(day=1)
