"""The value of a gain, the uncertainty of its cost, and the net benefit of both. Money is over the horizon.

The elasticity ε is an assumption with a wide range, so a gain is valued at a low quantile of its worth and its cost at
a high quantile. Draws come from one fixed quasi-random sequence: the same record gives the same figures.
"""

import functools
import math
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.gate.comparison import Comparison
from pipeline.gate.economics import Money
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams

CAUTION = 0.8
"""The quantile of cost that the gate uses; for the value of a gain it uses the quantile 1 − CAUTION."""

N_DRAWS = 10_000
_Z95 = float(ndtri(0.95))
Floats = npt.NDArray[np.float64]


def unit_value(economics: EconomicsParams, champion_mean: float, quantile: float = 0.5) -> float:
    """Return V = N · H · r · ε / μ0, the value of one unit of the metric, at a quantile of the distribution of ε.

    N listeners, H days, r margin per listener and day, μ0 the champion's mean.
    """
    margin = economics.listeners * economics.horizon_days * economics.margin_per_listener_day
    return margin * float(_elasticity(economics, float(ndtri(quantile)))) / champion_mean


def cost_quantile(cost: Money, economics: EconomicsParams, quantile: float) -> float:
    """Return the sum of each part's quantile of C, a conservative estimate of the quantile of the sum.

    The exact quantile would lie nearer to the median. The sum is piecewise linear in every price.
    """
    z = float(ndtri(quantile))
    return math.fsum(_at(part, s, z) for part, s in zip(astuple(cost), _spreads(economics), strict=True))


def net_benefit_low(lower_bound: float, cost: Money, economics: EconomicsParams, champion_mean: float) -> float:
    """Return NB_low = L · V_q − C_q80, the conservative net benefit: V_q20 if L is a gain, V_q80 if it is a loss."""
    quantile = 1 - CAUTION if lower_bound >= 0 else CAUTION
    return lower_bound * unit_value(economics, champion_mean, quantile) - cost_quantile(cost, economics, CAUTION)


def break_even_gain(cost: Money, economics: EconomicsParams, champion_mean: float) -> float:
    """Return Δ* = C_q80 / V_q20, the proven gain that pays for the cost; NaN if a gain has no value."""
    value = unit_value(economics, champion_mean, 1 - CAUTION)
    return cost_quantile(cost, economics, CAUTION) / value if value > 0 else math.nan


@dataclass(frozen=True)
class Outlook:
    """Distribution of the net benefit of a switch, from N_DRAWS draws of gain, worth and cost."""

    mean: Number
    """E[NB]."""
    low: Number
    """The 5 % quantile of NB."""
    high: Number
    """The 95 % quantile of NB."""
    probability_of_gain: Number
    """P(NB > 0)."""
    perfect_information: Number
    """EVPI = E[max(NB, 0)] − max(E[NB], 0), the most that it can be worth to know gain, worth and cost before deciding,
    such as by an A/B test (Raiffa & Schlaifer 1961)."""


def outlook(comparison: Comparison, cost: Money, economics: EconomicsParams) -> Outlook:
    """Return the distribution of the net benefit, from independent draws of Δ ~ N(Δ, SE²), ε and the cost factors."""
    z = _normal_draws()
    margin = economics.listeners * economics.horizon_days * economics.margin_per_listener_day
    gain = (comparison.delta + comparison.se * z[0]) / comparison.champion_mean
    benefit = gain * margin * _elasticity(economics, z[1])
    machine, hours = (np.exp(_sigma(f) * draws) for f, draws in zip(_factors(economics), z[2:], strict=True))
    people = cost.maintenance + cost.switching
    benefit = benefit - (cost.total - people) * machine - people * hours
    mean = float(benefit.mean())
    low, high = (float(q) for q in np.quantile(benefit, (0.05, 0.95)))
    return Outlook(
        mean=mean,
        low=low,
        high=high,
        probability_of_gain=float((benefit > 0).mean()),
        perfect_information=max(float(np.maximum(benefit, 0).mean()) - max(mean, 0.0), 0.0),
    )


@functools.cache
def _normal_draws() -> Floats:
    """Return standard normal draws of shape (4, N_DRAWS): gain, elasticity, machine, hours.

    They are made from a scrambled Halton sequence, which covers the space more evenly than random draws.
    """
    from scipy.stats import qmc  # takes half a second to import, and only decisions need it

    uniform = qmc.Halton(d=4, scramble=True, rng=np.random.default_rng(0)).random(N_DRAWS)
    draws: Floats = ndtri(uniform.T)
    draws.setflags(write=False)
    return draws


def _elasticity(economics: EconomicsParams, z: Any) -> Any:
    belief = economics.elasticity
    return belief.median * np.exp(math.log(belief.high / belief.low) / (2 * _Z95) * z)


def _factors(economics: EconomicsParams) -> tuple[float, float]:
    return economics.uncertainty.machine, economics.uncertainty.hours


def _spreads(economics: EconomicsParams) -> tuple[float, ...]:
    """Return the σ of the log-normal factor on each field of Money, in the order of the fields."""
    machine, hours = (_sigma(factor) for factor in _factors(economics))
    return machine, machine, machine, machine, hours, hours


def _sigma(factor: float) -> float:
    return math.log(factor) / _Z95


def _at(part: float, sigma: float, z: float) -> float:
    return part * math.exp(sigma * z if part >= 0 else -sigma * z)
