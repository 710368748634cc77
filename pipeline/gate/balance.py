"""A challenger's gain against its cost: does it pay?"""

from dataclasses import dataclass

from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import Comparison
from pipeline.gate.economics import Money, NightCost, running_cost, switching_cost
from pipeline.gate.valuation import CAUTION, break_even_gain, cost_quantile, net_benefit_low, unit_value
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Balance:
    """Money over the horizon.

    Attributes:
        cost: C, by its parts, as measured and priced.
        cost_total: the sum of its parts.
        cost_high: C_q80.
        unit_value: V, the worth of one unit of the metric, at the median of the belief about ε.
        unit_value_low: V_q20.
        net_benefit_low: NB_low = L · V_q − C_q80.
        break_even_gain: Δ* = C_q80 / V_q20, the proven gain that pays.
        required_gain: what L must reach whatever it is worth: δ_min · μ0, or less for a challenger that saves.
        gain_proven: whether L reaches it.
    """

    cost: Money
    cost_total: float
    cost_high: float
    unit_value: float
    unit_value_low: float
    net_benefit_low: float
    break_even_gain: float
    required_gain: float
    gain_proven: bool

    @property
    def pays(self) -> bool:
        return self.net_benefit_low > 0 and self.gain_proven

    @property
    def saves(self) -> bool:
        """Whether even a high estimate of C is below 0."""
        return self.cost_high < 0


def weigh(
    comparison: Comparison,
    lower: float,
    pair: tuple[Candidate, Candidate],
    gate: GateParams,
    economics: EconomicsParams,
) -> Balance:
    """Hold what is sure of a gain against what it costs.

    Args:
        comparison: challenger − champion.
        lower: L, the bound of the difference.
        pair: challenger and champion.
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
    """What a night of it costs.

    Raises:
        ValueError: it was not measured.
    """
    if candidate.night is None:
        raise ValueError(f"{candidate.recipe} has no measured cost")
    return candidate.night
