"""The values of hyperparameters that `netgain tune` may try."""

from collections.abc import Mapping
from dataclasses import dataclass

Value = int | float | str


@dataclass(frozen=True)
class Whole:
    """Integers from low to high.

    Attributes:
        log: whether values are proposed on a logarithmic scale.
        cost_power: a fit's cost is proportional to the value to this power; 0 if it hardly depends on it.
    """

    low: int
    high: int
    log: bool = False
    cost_power: float = 0.0

    def holds(self, value: Value) -> bool:
        """Return whether a value lies in the range."""
        return isinstance(value, int) and self.low <= value <= self.high


@dataclass(frozen=True)
class Real:
    """Numbers from low to high, tried with three significant digits so that a proposal is exactly what was measured.

    Attributes:
        log: whether values are proposed on a logarithmic scale.
    """

    low: float
    high: float
    log: bool = False

    def holds(self, value: Value) -> bool:
        """Return whether a value lies in the range."""
        return not isinstance(value, str) and self.low <= value <= self.high


@dataclass(frozen=True)
class OneOf:
    """One of several names."""

    names: tuple[str, ...]

    def holds(self, value: Value) -> bool:
        """Return whether a value is one of the names."""
        return value in self.names


Dimension = Whole | Real | OneOf
Space = Mapping[str, Dimension]
"""By field of the family's parameters. Other fields keep the values of the recipe that the search starts from."""
