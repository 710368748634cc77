"""The balance of a challenger's gain and its cost: whether it pays."""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import WORST, Comparison
from pipeline.gate.economics import Money, NightCost, per_month, running_cost, switching_cost
from pipeline.gate.listening import Withheld
from pipeline.gate.live import Live
from pipeline.gate.valuation import (
    Outlook,
    break_even_gain,
    needed_gain,
    net_benefits,
    outlook,
    tolerated_loss,
    valued_gain,
)
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Balance:
    """A challenger's gain against its cost; money over the horizon unless it says otherwise."""

    cost: Money
    """C, what the challenger costs more than the champion, by its parts, from measured cost and the price card."""
    cost_total: Number
    """The sum of its parts."""
    monthly_cost: Number
    """What it costs more to run, a month."""
    one_off_cost: Number
    """What the switch itself costs, once."""
    measured_share: Number
    """Share of the absolute amounts of C whose quantities were measured; the rest are assumed hours. NaN without any
    amount."""
    outlook: Outlook
    """The net benefit NB = W(g) − C, as a distribution."""
    required_probability: Number
    """π, what P(NB > 0) must reach."""
    break_even_gain: Number
    """The true gain, in units of the metric, from which the median net benefit is above 0; NaN without one."""
    needed_gain: Number
    """The gain, in units of the metric, that would have had to be measured to be proven and to reach π, with tonight's
    SE; NaN without one."""
    required_gain: Number
    """What L must exceed, in units of the metric: 0, or below 0 the loss that the savings are worth."""
    gain_proven: bool
    """Whether L exceeds `required_gain`, or an experiment that has ended proves more plays."""

    @property
    def pays(self) -> bool:
        return self.gain_proven and self.outlook.probability_of_benefit >= self.required_probability

    @property
    def saves(self) -> bool:
        """Return whether C is below 0."""
        return self.cost_total < 0


def weigh(
    comparison: Comparison,
    lower: float,
    pair: tuple[Candidate, Candidate],
    gate: GateParams,
    economics: EconomicsParams,
    *,
    live: Live | None = None,
    withheld: Withheld | None = None,
) -> Balance:
    """Return the balance of a challenger's gain and its cost.

    Args:
        comparison: challenger − champion.
        lower: L, the lower bound of the difference.
        pair: challenger and champion.
        gate: thresholds.
        economics: the price card and the other assumptions.
        withheld: its gain on withheld pairs.
        live: its effect on listeners, where that was measured: it may prove what the log cannot.

    Raises:
        ValueError: the cost of one of the two was not measured, or the champion's mean is not above 0.
    """
    base, wanted = comparison.champion_mean, gate.min_probability_of_benefit
    gain, cost = valued_gain(comparison, withheld, gate.true_gain_sd), added_cost(pair, economics)
    tolerated = tolerated_loss(cost.total, gate.refresh_margin, economics)
    required = -tolerated * base if tolerated else 0.0
    pays_from = needed_gain(gain, cost, economics, wanted, live)
    # L without α left is WORST: no gain would be proven.
    proven_from = (comparison.delta - lower) / base - tolerated if lower > WORST else math.nan
    return Balance(
        cost=cost,
        cost_total=cost.total,
        monthly_cost=per_month(cost.running, economics),
        one_off_cost=cost.switching,
        measured_share=cost.measured_share,
        outlook=outlook(net_benefits(gain, cost, economics, live)),
        required_probability=wanted,
        break_even_gain=break_even_gain(cost.total, economics) * base,
        needed_gain=float(np.maximum(pays_from, proven_from)) * base,
        required_gain=required,
        gain_proven=lower > required or proven_live(live, gate),
    )


def proven_live(live: Live | None, gate: GateParams) -> bool:
    """Return whether an experiment that has ended proves more plays, at the share of α that one entrant may spend.

    It is read once, when it ends, so that it needs no boundary of its own.
    """
    return live is not None and live.shows_gain(gate.alpha / gate.max_entrants)


def added_cost(pair: tuple[Candidate, Candidate], economics: EconomicsParams) -> Money:
    """Return C, what the challenger costs more than the champion.

    Args:
        pair: challenger and champion.
        economics: the price card.

    Raises:
        ValueError: the cost of one of the two was not measured.
    """
    challenger, champion = pair
    return switching_cost(
        running_cost(measured(champion), champion.family, economics, champion.content),
        running_cost(measured(challenger), challenger.family, economics, challenger.content),
        challenger.family,
        economics,
    )


def measured(candidate: Candidate) -> NightCost:
    """Return the measured cost of a night of a recipe.

    Raises:
        ValueError: the cost was not measured.
    """
    if candidate.night is None:
        raise ValueError(f"{candidate.recipe} has no measured cost")
    return candidate.night
