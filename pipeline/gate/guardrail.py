"""The declaration of a guardrail. Decision, record, page, `netgain explain` and MLflow are derived from it."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.gate.candidates import Candidate
from pipeline.gate.pooling import Cells, Earlier
from pipeline.gate.refresh import Change
from pipeline.json_values import Number
from pipeline.params.gate import GateParams

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

    Attributes:
        challenger: what would be served.
        champion: what it is compared with.
        popular: the popular list.
        cells: the eligible listeners and the decision days.
        params: thresholds.
        earlier: earlier comparisons of the two; None without any, and in the refresh lane.
        changes: how the challenger compares with what is served, now and over nights; empty without a release.
        required_gain: what the gain must be proven to exceed; NaN in the refresh lane.
    """

    challenger: Candidate
    champion: Candidate
    popular: Candidate
    cells: Cells
    params: GateParams
    earlier: Earlier | None = None
    changes: tuple[Change, ...] = ()
    required_gain: float = math.nan


@dataclass(frozen=True)
class Finding:
    """The result of a guardrail's check.

    Attributes:
        value: the figure; NaN if it could not be computed.
        bound: the bound that the figure is compared with.
        decided: False if there are too few listeners for any result.
        shown: False if the figure may be beyond its bound by chance, so that it does not count against the challenger.
        detectable: the smallest violation that would be shown with a probability of 80 %; NaN where it does not apply.
    """

    value: float
    bound: float
    decided: bool = True
    shown: bool = True
    detectable: float = math.nan


@dataclass(frozen=True)
class Gate:
    """The outcome of one guardrail."""

    name: str
    value: Number
    """The figure; null where it could not be computed."""
    bound: Number
    """What the figure is compared with."""
    margin: Number
    """Distance from the bound; negative beyond it."""
    passed: bool | None
    """null where too few listeners leave it undecided. A figure beyond its bound that may be chance passes."""
    detectable: Number = math.nan
    """The smallest violation that would be shown with a probability of 80 %; null where it does not apply."""


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
        by_the_log: whether breaking it only says that the challenger is worse by the log: it is undecided where served
            lists have shaped the log and listeners have shown the opposite in an experiment.
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
    by_the_log: bool = False

    def gate(self, case: Case) -> Gate | None:
        """Return the outcome for a case; None if the guardrail does not apply to it."""
        found = self.check(case)
        if found is None:
            return None
        value, bound = float(found.value), found.bound
        margin = bound - value if self.side == "at most" else value - bound
        passed = (_keeps(self.side, value, bound) or not found.shown) if found.decided else None
        return Gate(self.name, value, bound, margin, passed, found.detectable)


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
