"""The measured cost of a piece of work."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pipeline.json_values import Number

EnergyProvenance = Literal["measured", "estimated", "constant"]
_WEAKEST_FIRST: tuple[EnergyProvenance, ...] = ("constant", "estimated", "measured")


@dataclass(frozen=True)
class Cost:
    """Cost of a fit, a scoring, or several of them. What was not measured is NaN or None, never 0."""

    cpu_seconds: Number
    """CPU time [s] of all processes that took part."""
    wall_seconds: Number
    """Elapsed time [s]."""
    peak_rss_bytes: int | None = None
    """Highest sum of resident memory [B] of those processes."""
    model_bytes: int | None = None
    """Size on disk [B] of the model, without its id maps; None where no model was written."""
    energy_kwh: Number = math.nan
    """Energy [kWh] of the CPU."""
    energy_provenance: EnergyProvenance | None = None
    """`measured` (hardware counters), `estimated` (this CPU's thermal design power times CPU time) or `constant` (a
    default power times CPU time)."""
    n_scored: int | None = None
    """Listeners that lists were made for; None for work without lists."""
    scored_per_second: Number = math.nan
    """Those listeners divided by the wall time of their scoring [1/s]."""

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both in sequence: sums of times, energy and listeners, maxima of memory and model size."""
        n_scored = _present(sum, self.n_scored, other.n_scored)
        scoring_seconds = sum(part.n_scored / part.scored_per_second for part in (self, other) if part.n_scored)
        provenances = {self.energy_provenance, other.energy_provenance}
        return Cost(
            cpu_seconds=self.cpu_seconds + other.cpu_seconds,
            wall_seconds=self.wall_seconds + other.wall_seconds,
            peak_rss_bytes=_present(max, self.peak_rss_bytes, other.peak_rss_bytes),
            model_bytes=_present(max, self.model_bytes, other.model_bytes),
            energy_kwh=self.energy_kwh + other.energy_kwh,
            energy_provenance=None if None in provenances else next(p for p in _WEAKEST_FIRST if p in provenances),
            n_scored=n_scored,
            scored_per_second=n_scored / scoring_seconds if n_scored and scoring_seconds > 0 else math.nan,
        )

    def scaled(self, factor: float) -> "Cost":
        """Return the cost of `factor` times as much work at the same pace; memory, model size and speed stay."""
        return Cost(
            cpu_seconds=self.cpu_seconds * factor,
            wall_seconds=self.wall_seconds * factor,
            peak_rss_bytes=self.peak_rss_bytes,
            model_bytes=self.model_bytes,
            energy_kwh=self.energy_kwh * factor,
            energy_provenance=self.energy_provenance,
            n_scored=None if self.n_scored is None else round(self.n_scored * factor),
            scored_per_second=self.scored_per_second,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a JSON-able dict, with None for NaN."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, raw: Mapping[str, Any]) -> "Cost":
        """Return the cost from the output of `to_dict`; other keys are ignored.

        Raises:
            KeyError: a field is missing.
            ValueError: the energy's provenance is unknown.
        """
        provenance = raw["energy_provenance"]
        if provenance is not None and provenance not in get_args(EnergyProvenance):
            raise ValueError(f"energy_provenance = {provenance!r}")
        return cls(
            cpu_seconds=_number(raw["cpu_seconds"]),
            wall_seconds=_number(raw["wall_seconds"]),
            peak_rss_bytes=raw["peak_rss_bytes"],
            model_bytes=raw["model_bytes"],
            energy_kwh=_number(raw["energy_kwh"]),
            energy_provenance=provenance,
            n_scored=raw["n_scored"],
            scored_per_second=_number(raw["scored_per_second"]),
        )


def mean_cost(costs: list[Cost]) -> Cost:
    """Return the mean cost of several equal pieces of work, such as the fits of a recipe's seeds.

    Means of times, energy and listeners, maxima of memory and model size.

    Raises:
        ValueError: `costs` is empty.
    """
    if not costs:
        raise ValueError("the mean of no costs")
    total = costs[0]
    for cost in costs[1:]:
        total = total + cost
    return total.scaled(1 / len(costs))


def _present(combine: Any, *values: int | None) -> int | None:
    known = [value for value in values if value is not None]
    return int(combine(known)) if known else None


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
