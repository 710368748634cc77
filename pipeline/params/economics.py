"""Section `economics` of params.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pipeline.json_values import OPTIONAL
from pipeline.params.base import Count, Frozen, NonNegative, Positive


class Prices(Frozen):
    """The price card, in the currency of `economics`."""

    cpu_hour: NonNegative
    memory_gib_hour: NonNegative
    storage_gib_month: NonNegative
    energy_kwh: NonNegative
    carbon_kg: NonNegative
    """Price of a kilogram of CO2-equivalent."""
    carbon_intensity_kg_per_kwh: NonNegative
    engineering_hour: NonNegative
    royalty_per_play: Annotated[NonNegative, OPTIONAL] = 0.0
    """Royalty of a play of an item that `royalties.csv` gives no price of its own."""


class Elasticity(Frozen):
    """ε, the relative change of margin for a change of the metric's logarithm: a lognormal belief. Its published anchor
    is the engagement that Netflix lost by simpler recommenders (arXiv 2511.07280); your own A/B tests are better."""

    median: Positive
    low: Positive
    """5 % of the belief lies below."""
    high: Positive
    """5 % of the belief lies above."""
    provenance: Literal["assumed", "published", "measured"] = "published"
    """Where the belief comes from; shown wherever ε is."""

    @model_validator(mode="after")
    def _in_order(self) -> "Elasticity":
        if not self.low <= self.median <= self.high:
            raise ValueError(f"low {self.low:g}, median {self.median:g} and high {self.high:g} are not in order")
        return self


class Trial(Frozen):
    """What an experiment on listeners takes, for the question whether one is worth it."""

    hours: NonNegative
    """Hours of people to set it up, watch it and read it [h]."""
    days: Count
    """How long it runs [d]."""
    listener_sd: Positive
    """Standard deviation between listeners of plays in that time, relative to the mean, as far as the weeks before do
    not explain it (CUPED). .39 is that of the simulated audience over 28 days."""


Spread = Annotated[float, Field(ge=1, le=100)]


class CostUncertainty(Frozen):
    """90 % intervals of costs: from cost / factor to cost · factor."""

    machine: Spread
    """Factor of compute, memory, storage and energy."""
    hours: Spread
    """Factor of the hours of people."""


class EconomicsParams(Frozen):
    """Assumptions about the service, labelled as such wherever they are shown."""

    listeners: Count
    """N, listeners that the measured costs and gains are scaled to."""
    horizon_days: Count
    """H [d]."""
    margin_per_listener_day: NonNegative
    """r [currency / listener / d]."""
    elasticity: Elasticity
    uncertainty: CostUncertainty
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    prices: Prices
    list_plays_per_listener_day: Annotated[NonNegative, OPTIONAL] = 0.0
    """Plays that a listener starts from a list [1 / listener / d], for the royalties of lists."""
    unexplained_sd: Annotated[Positive, OPTIONAL] = 0.005
    """Scale of τ, the effect on margin that no offline gain explains, relative: a half-normal prior."""
    trial: Annotated[Trial | None, OPTIONAL] = None
    """What an experiment takes; without it, none is proposed."""
    maintenance_hours_per_year: dict[str, NonNegative] = Field(default_factory=dict)
    """Upkeep by family [h / a]. A family left out in params.yaml has its own default."""
    switching_hours: dict[str, NonNegative] = Field(default_factory=dict)
    """One-off work of switching to a family, by family [h]. A family left out in params.yaml has its own default."""
