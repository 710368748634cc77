"""The declaration of a guardrail. Decision, record, page, `netgain explain` and MLflow are derived from it."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from pipeline.gate.candidates import Candidate
from pipeline.json_values import Number
from pipeline.params.gate import GateParams

Bools = npt.NDArray[np.bool_]

GUARDRAIL_ALPHA = 0.05
"""Error probability of each guardrail's bound, separate from α."""

Lane = Literal["upgrade", "refresh"]
Kind = Literal["limit", "hard", "relative"]
Side = Literal["at most", "at least", "above", "not worse than"]
Unit = Literal["share", "metric", "lists", "s", "B", "bit"]

LAST = 100
"""Default position of a guardrail: after those that declare one."""


@dataclass(frozen=True)
class Case:
    """The inputs of a guardrail's check.

    In the refresh lane, `challenger` is the champion's newer fit and `champion` the served one.
    """

    challenger: Candidate
    champion: Candidate
    popular: Candidate
    slices: Mapping[str, Bools]
    params: GateParams


@dataclass(frozen=True)
class Finding:
    """The result of a guardrail's check.

    Attributes:
        value: the figure; NaN if it could not be computed.
        bound: the bound that the figure is compared with.
        decided: False if there are too few listeners for a result.
    """

    value: float
    bound: float
    decided: bool = True


@dataclass(frozen=True)
class Gate:
    """The outcome of one guardrail."""

    name: str
    value: Number
    """The figure; null where it could not be computed."""
    bound: Number
    """What the figure is compared with."""
    margin: Number
    """Distance from the bound; negative where the guardrail is broken."""
    passed: bool | None
    """null where too few listeners leave it undecided, which is reported and is no pass."""


@dataclass(frozen=True)
class Guardrail:
    """A figure that must keep its bound while the average gains.

    Attributes:
        name: in the record, unique.
        label: for people.
        explanation: what is measured and what bounds it, one sentence for people.
        kind: `limit`, an absolute limit of a recipe's own cost, checked for every recipe: one over it is excluded
            before costs are compared; `hard`, an absolute demand; `relative`, compared with the champion.
        side: on which side of the bound the figure must be. `not worse than`: above the bound, or at least 0.
        unit: of figure and bound.
        check: returns figure and bound, or None where the guardrail does not apply.
        lanes: in which it is checked.
        place: position among guardrails; then by file.
    """

    name: str
    label: str
    explanation: str
    kind: Kind
    side: Side
    unit: Unit
    check: Callable[[Case], Finding | None]
    lanes: tuple[Lane, ...] = ("upgrade", "refresh")
    place: int = LAST

    def gate(self, case: Case) -> Gate | None:
        """Return the outcome for a case; None if the guardrail does not apply to it."""
        found = self.check(case)
        if found is None:
            return None
        value, bound = float(found.value), found.bound
        margin = bound - value if self.side == "at most" else value - bound
        return Gate(self.name, value, bound, margin, _keeps(self.side, value, bound) if found.decided else None)


def undecided() -> Finding:
    """Return the finding for a case without the data to compute a figure."""
    return Finding(math.nan, math.nan, decided=False)


def _keeps(side: Side, value: float, bound: float) -> bool:
    match side:
        case "at most":
            return value <= bound
        case "at least":
            return value >= bound
        case "above":
            return value > bound
        case "not worse than":
            # A tie passes even if the champion's metric is 0 and the bound therefore 0.
            return value > bound or value >= 0
