"""The balance of a challenger's gain and its cost."""

from dataclasses import dataclass

from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import Comparison
from pipeline.gate.economics import Money, NightCost, running_cost, switching_cost
from pipeline.gate.valuation import CAUTION, break_even_gain, cost_quantile, net_benefit_low, unit_value
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Balance:
    """A challenger's gain against its cost; money over the horizon."""

    cost: Money
    """C, by its parts, from measured cost and the price card."""
    cost_total: Number
    """The sum of its parts."""
    cost_high: Number
    """C_q80, a high estimate of C."""
    unit_value: Number
    """V, the worth of one unit of the metric, at the median of the belief about ε."""
    unit_value_low: Number
    """V_q20, a low estimate of V."""
    net_benefit_low: Number
    """NB_low = L · V_q − C_q80, a high estimate of C."""
    break_even_gain: Number
    """Δ* = C_q80 / V_q20, the proven gain that pays."""
    required_gain: Number
    """What L must reach whatever a gain is worth: δ_min · μ0, or less for a challenger that saves money."""
    gain_proven: bool
    """Whether L reaches `required_gain`."""

    @property
    def pays(self) -> bool:
        return self.net_benefit_low > 0 and self.gain_proven

    @property
    def saves(self) -> bool:
        """Return whether even the high estimate of C is below 0."""
        return self.cost_high < 0


def weigh(
    comparison: Comparison,
    lower: float,
    pair: tuple[Candidate, Candidate],
    gate: GateParams,
    economics: EconomicsParams,
) -> Balance:
    """Return the balance of a challenger's gain, valued at its lower bound, and its cost.

    Args:
        comparison: challenger − champion.
        lower: L, the lower bound of the difference.
        pair: challenger and champion.
        gate: thresholds.
        economics: the price card and the other assumptions.

    Raises:
        ValueError: the cost of one of the two was not measured.
    """
    challenger, champion = pair
    base = comparison.champion_mean
    cost = switching_cost(
        running_cost(measured(champion), champion.family, economics),
        running_cost(measured(challenger), challenger.family, economics),
        challenger.family,
        economics,
    )
    high = cost_quantile(cost, economics, CAUTION)
    required = (-gate.refresh_margin if high < 0 else gate.min_gain) * base
    return Balance(
        cost=cost,
        cost_total=cost.total,
        cost_high=high,
        unit_value=unit_value(economics, base),
        unit_value_low=unit_value(economics, base, 1 - CAUTION),
        net_benefit_low=net_benefit_low(lower, cost, economics, base),
        break_even_gain=break_even_gain(cost, economics, base),
        required_gain=required,
        gain_proven=lower > required if high < 0 else lower >= required,
    )


def measured(candidate: Candidate) -> NightCost:
    """Return the measured cost of a night of a recipe.

    Raises:
        ValueError: the cost was not measured.
    """
    if candidate.night is None:
        raise ValueError(f"{candidate.recipe} has no measured cost")
    return candidate.night
