"""The cost of a recipe, in money over the horizon.

Measured cost is scaled to the service in proportion to the number of listeners, and priced by the price card in
params.yaml. The value of a gain, and the uncertainty of both, are in valuation.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.json_values import LEFT_OUT, Number
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.params.economics import EconomicsParams

GIB = 2**30
DAYS_PER_MONTH = 365 / 12


@dataclass(frozen=True)
class NightCost:
    """A recipe's measured cost of one night: one fit, and one scoring of every listener."""

    cpu_seconds: Number
    """CPU time [s] of both."""
    batch_seconds: Number
    """Elapsed time [s] of both; a busy machine stretches it, so only a hard limit applies to it."""
    memory_gib_seconds: Number
    """Peak memory times elapsed time [GiB · s] of both."""
    peak_rss_bytes: Number
    """The higher peak [B]."""
    model_bytes: Number
    """Size of one model on disk [B]."""
    energy_kwh: Number
    """Energy [kWh] of both."""
    n_listeners: int
    """Listeners that were fitted and scored."""


@dataclass(frozen=True)
class Money:
    """Money over the horizon, in the currency of the price card."""

    compute: Number
    """CPU time."""
    memory: Number
    """Memory while the night's work runs."""
    storage: Number
    """The stored model."""
    energy: Number
    """Energy and its emissions."""
    maintenance: Number
    """Hours of upkeep."""
    switching: Number
    """Hours of the switch itself, once."""
    content: Number = field(default=0.0, metadata=LEFT_OUT)
    """Royalties of plays from lists; not written where it is 0."""

    @property
    def machines(self) -> float:
        """Return compute, memory, storage and energy: what is measured each night and priced."""
        return self.compute + self.memory + self.storage + self.energy

    @property
    def people(self) -> float:
        """Return the assumed hours of upkeep and switching, priced."""
        return self.maintenance + self.switching

    @property
    def running(self) -> float:
        """Return what recurs: all but the switch itself."""
        return self.machines + self.maintenance + self.content

    @property
    def total(self) -> float:
        return self.machines + self.people + self.content

    @property
    def measured_share(self) -> float:
        """Return the share of the absolute amounts whose quantities were measured; NaN without any amount.

        Royalties count as assumed: what a list holds is measured, but how often it is played is not.

        Examples:
            1 EUR of compute is saved and 3 EUR of hours are spent:

            >>> Money(-1, 0, 0, 0, 3, 0).measured_share
            0.25
        """
        machines = abs(self.compute) + abs(self.memory) + abs(self.storage) + abs(self.energy)
        everything = machines + abs(self.maintenance) + abs(self.switching) + abs(self.content)
        return machines / everything if everything else math.nan


def night_cost(fits: Sequence[Cost], scorings: Sequence[Cost]) -> NightCost:
    """Return the cost of a night that serves a recipe: its mean fit and its mean scoring.

    Raises:
        ValueError: there is no fit or no scoring, or a required figure was not measured in one of them.
    """
    fit, scoring = mean_cost(list(fits)), mean_cost(list(scorings))
    # Each one is checked: a mean would hide a fit without a measurement, or with a negative time.
    fit_rss = max(_known(cost.peak_rss_bytes) for cost in fits)
    scoring_rss = max(_known(cost.peak_rss_bytes) for cost in scorings)
    for cost in (*fits, *scorings):
        for figure in (cost.cpu_seconds, cost.wall_seconds, cost.energy_kwh):
            _known(figure)
    return NightCost(
        cpu_seconds=fit.cpu_seconds + scoring.cpu_seconds,
        batch_seconds=fit.wall_seconds + scoring.wall_seconds,
        memory_gib_seconds=(fit_rss * fit.wall_seconds + scoring_rss * scoring.wall_seconds) / GIB,
        peak_rss_bytes=max(fit_rss, scoring_rss),
        model_bytes=max(_known(cost.model_bytes) for cost in fits),
        energy_kwh=fit.energy_kwh + scoring.energy_kwh,
        n_listeners=max(int(_known(cost.n_scored or None)) for cost in scorings),
    )


def _known(figure: float | None) -> float:
    if figure is None or not math.isfinite(figure) or figure < 0:
        raise ValueError("time, memory, energy, model size or the number of scored listeners was not measured")
    return figure


@dataclass(frozen=True)
class ContentFigures:
    """What a play from a recipe's lists costs in royalties, apart from the card's price for items without their own.

    Ranks count as they are expected to be played, see `pipeline.metrics.royalties`.
    """

    unpriced_share: Number
    """Share [0, 1] of expected plays that are of items without a price of their own."""
    priced: Number
    """Σ share · price over items with one [currency / play]."""

    def per_play(self, default: float) -> float:
        """Return the expected royalty of a play [currency], where items without a price cost `default`."""
        return self.unpriced_share * default + self.priced


UNIFORM = ContentFigures(1.0, 0.0)
"""Where no item has a price of its own."""


def royalties(content: ContentFigures | None, economics: EconomicsParams) -> float:
    """Return the royalties of plays from lists over the horizon [currency]: N · H · plays a day · expected royalty.

    A play that a list brings about takes the place of another play, so that it is the difference between two recipes
    that counts; it does not depend on what the other play would have cost.

    Examples:
        >>> from pathlib import Path
        >>> from pipeline.configuration import load_params
        >>> economics = load_params(Path("params.yaml")).economics
        >>> changes = {"listeners": 1000, "horizon_days": 10, "list_plays_per_listener_day": 2.0}
        >>> royalties(ContentFigures(unpriced_share=0.5, priced=0.002), economics.model_copy(update=changes))
        80.0
    """
    plays = economics.listeners * economics.horizon_days * economics.list_plays_per_listener_day
    return plays * (content or UNIFORM).per_play(economics.prices.royalty_per_play)


def running_cost(
    night: NightCost, family: str, economics: EconomicsParams, content: ContentFigures | None = None
) -> Money:
    """Return the cost of serving a recipe over the horizon: H nights at N listeners, one stored model, its upkeep, and
    the royalties of its lists.

    Args:
        night: measured cost.
        family: determines the hours of upkeep.
        economics: the price card.
        content: royalties of its lists; None where all items cost the same.

    Returns:
        In the currency of the price card.
    """
    prices, days = economics.prices, economics.horizon_days
    scale = economics.listeners / night.n_listeners
    nights = days * scale
    upkeep_hours = economics.maintenance_hours_per_year[family] * days / 365
    return Money(
        compute=nights * night.cpu_seconds / 3600 * prices.cpu_hour,
        memory=nights * night.memory_gib_seconds / 3600 * prices.memory_gib_hour,
        storage=scale * night.model_bytes / GIB * days / DAYS_PER_MONTH * prices.storage_gib_month,
        energy=nights * night.energy_kwh * (prices.energy_kwh + prices.carbon_kg * prices.carbon_intensity_kg_per_kwh),
        maintenance=upkeep_hours * prices.engineering_hour,
        switching=0.0,
        content=royalties(content, economics),
    )


def switching_cost(champion: Money, challenger: Money, family: str, economics: EconomicsParams) -> Money:
    """Return C, the challenger's additional cost over the horizon, plus the one-off work of switching to it.

    Args:
        champion: running cost of the champion.
        challenger: running cost of the challenger.
        family: the challenger's family, which determines the hours of switching.
        economics: the price card.

    Examples:
        Five hours of switching at 80 EUR, on top of 30 EUR more of compute:

        >>> from pathlib import Path
        >>> from pipeline.configuration import load_params
        >>> economics = load_params(Path("params.yaml")).economics
        >>> economics = economics.model_copy(update={"switching_hours": {"als": 5.0}})
        >>> nothing = Money(0, 0, 0, 0, 0, 0)
        >>> switching_cost(nothing, Money(30, 0, 0, 0, 0, 0), "als", economics).total
        430.0
    """
    return Money(
        compute=challenger.compute - champion.compute,
        memory=challenger.memory - champion.memory,
        storage=challenger.storage - champion.storage,
        energy=challenger.energy - champion.energy,
        maintenance=challenger.maintenance - champion.maintenance,
        switching=economics.switching_hours[family] * economics.prices.engineering_hour,
        content=challenger.content - champion.content,
    )


def per_month(amount: float, economics: EconomicsParams) -> float:
    """Convert an amount over the horizon to an amount per month.

    Examples:
        >>> from pathlib import Path
        >>> from pipeline.configuration import load_params
        >>> economics = load_params(Path("params.yaml")).economics.model_copy(update={"horizon_days": 365})
        >>> round(per_month(1200.0, economics), 2)
        100.0
    """
    return amount * DAYS_PER_MONTH / economics.horizon_days
