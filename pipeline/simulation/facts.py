"""Load facts.json and tail.json: figures of real listening, and how close a simulation must come."""

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal


@dataclass(frozen=True)
class Fact:
    """A figure of real plays, and the bounds of its simulation.

    Attributes:
        real: a number, a list of shares, or percentiles by name.
        unit: of the figure.
        tolerance: how far a simulated value may be from the real one, by `kind`.
        kind: `relative` to the real value, `absolute`, or `free` if the figure is shown but not checked.
        checked: percentiles that are checked; the others are only shown.
        note: why a bound is wide, or a figure is not checked.
    """

    real: Any
    unit: str
    tolerance: float
    kind: Literal["relative", "absolute", "free"]
    checked: tuple[str, ...] = ()
    note: str = ""

    def bounds(self, real: float) -> tuple[float, float]:
        """Return the lowest and the highest simulated value allowed for a real value of this figure."""
        if self.kind == "free":
            return float("-inf"), float("inf")
        width = self.tolerance * (abs(real) if self.kind == "relative" else 1.0)
        return real - width, real + width


def load_facts(file: Literal["facts.json", "tail.json"] = "facts.json") -> dict[str, Fact]:
    """Return the figures that the simulation is calibrated to, by name: of listening, or of the long tail."""
    raw = json.loads(resources.files(__package__).joinpath(file).read_text(encoding="utf-8"))
    return {name: Fact(**{**fact, "checked": tuple(fact.get("checked", ()))}) for name, fact in raw["figures"].items()}
