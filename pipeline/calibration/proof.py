"""What every proof is given and returns."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.calibration.clocks import Rule, payer
from pipeline.calibration.moments import Moments, moments
from pipeline.calibration.nights import free_of_cost
from pipeline.calibration.operating import Pair
from pipeline.calibration.refits import Refits

SIZES = (20_000, 100_000, 1_000_000)
SHOCKS = (0.0, 0.02)
SHIPPED = 5
"""Challengers of the shipped params.yaml."""

SAME, OTHER = ("als", "als"), ("rp3beta", "item_knn")
"""A pair whose fits alone differ, and one whose tastes do."""


@dataclass(frozen=True)
class Ground:
    """What proofs are made on.

    Attributes:
        refits: the fits.
        plain: the shipped parameters.
        scale: factor on the numbers of repetitions; 1 for the published figures.
    """

    refits: Refits
    plain: Rule
    scale: float

    @cached_property
    def dear(self) -> Rule:
        """Return the rule where working hours cost nothing and gains are valuable, so that costs hide no error."""
        return Rule(self.plain.gate, free_of_cost(self.plain.economics))

    @property
    def k(self) -> int:
        return self.plain.gate.seeds

    def times(self, n: int) -> int:
        """Return a number of repetitions, scaled."""
        return max(2, round(n * self.scale))

    def moments(self, pair: tuple[str, str]) -> Moments:
        """Return the moments of champion and challenger."""
        return moments(self.refits, *pair, k=self.k)

    def costs(self, pair: tuple[str, str]) -> Pair:
        """Return challenger and champion at the champion's cost: which one saves money would be noise."""
        champion = pair[0]
        each = payer(champion, self.refits.families[champion], self.refits.nights[champion])
        return each, each


def proof(
    name: str, target: str, *, met: bool, summary: str, figures: Any, bound: str = "", limited: bool = False
) -> dict[str, Any]:
    """Return a proof as the page shows it.

    Args:
        name: the property.
        target: what is wanted.
        met: whether it was found.
        summary: what was found, in one line.
        figures: everything that was found.
        bound: what one test of everything would reach at most.
        limited: whether that bound itself is below the target, so that no rule can meet it.
    """
    return {
        "property": name,
        "target": target,
        "met": bool(met),
        "summary": summary,
        "bound": bound,
        "limited": bool(limited),
        "figures": figures,
    }


def percent(share: float, digits: int = 1) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.{digits}f} %"


Make = Callable[[Ground, np.random.Generator], dict[str, Any]]
