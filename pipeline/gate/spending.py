"""α spending over the nights of a quarter: the probability of any false promotion in a quarter is at most α.

Every night that tests challengers is an interim analysis, a look. Look t may err with probability α_t, and Σ α_t ≤ α:
a union bound (Bonferroni 1936), valid under any dependence between nights, such as that of overlapping windows.
"""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.pooling import EarlierLooks

LOOKS = 90
"""Number of looks that a quarter's α is divided among; later looks have α = 0."""

_TOTAL = math.fsum(t**-1.5 for t in range(1, LOOKS + 1))

RECENT_NIGHTS = 90
"""Number of earlier nights whose fits are used to estimate a recipe's seed variance."""


@dataclass(frozen=True)
class History:
    """What earlier nights leave to this one: its place in the ledger, and their estimates."""

    look: int
    """t, tonight's number among the interim analyses of its quarter, from 1."""
    champion: str | None = None
    """The gate's own choice of the last night; None before the first."""
    seeds: dict[str, tuple[EarlierSeeds, ...]] | None = None
    """For each recipe, the variance between its fits of earlier nights."""
    override: "Override | None" = None
    """The override in force; None without one."""
    pairs: dict[str, EarlierLooks] | None = None
    """For each challenger, its earlier comparisons with its last champion."""

    def earlier(self, recipe: str) -> tuple[EarlierSeeds, ...]:
        return (self.seeds or {}).get(recipe, ())


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


FIRST_NIGHT = History(look=1)


def look_alpha(alpha: float, look: int, *, n_challengers: int) -> float:
    """Return α_t / m, the α of one challenger at look t, with α_t = α · t^(−1.5) / Σ_{i ≤ 90} i^(−1.5); 0 after t = 90.

    Args:
        alpha: α of a quarter.
        look: t, from 1.
        n_challengers: m.

    Raises:
        ValueError: `look` or `n_challengers` is below 1.
    """
    if look < 1 or n_challengers < 1:
        raise ValueError(f"look {look}, {n_challengers} challengers")
    return alpha * look**-1.5 / _TOTAL / n_challengers if look <= LOOKS else 0.0


def quarter(day: dt.date) -> str:
    """Return a day's calendar quarter, such as `2026-Q1`."""
    return f"{day.year}-Q{(day.month - 1) // 3 + 1}"


def look_number(looks: Sequence[dict[str, Any]], *, as_of: dt.date, inputs: str) -> int:
    """Return the number of tonight's look within its quarter, from 1.

    A night that runs again with the same inputs keeps its number, so that its verdict stays the same. The same date
    with other inputs is another look.

    Args:
        looks: entries of the ledger, with `as_of`, `inputs`, `look` and `n_challengers`.
        as_of: the night.
        inputs: digest of the night's parameters, logs and champion.
    """
    mine = [entry for entry in looks if quarter(dt.date.fromisoformat(entry["as_of"])) == quarter(as_of)]
    for entry in mine:
        if entry["as_of"] == as_of.isoformat() and entry["inputs"] == inputs:
            return int(entry["look"])
    return 1 + max((int(entry["look"]) for entry in mine if entry["n_challengers"]), default=0)
