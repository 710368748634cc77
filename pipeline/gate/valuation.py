"""The worth of a gain and the net benefit of a switch, as distributions. Money is over the horizon.

A relative gain g is worth W(g) = N · H · r · ε · ln(1 + g): N listeners, H days, r margin per listener and day, and ε,
the elasticity, which is a belief with a wide range. The logarithm lets a large gain earn less than in proportion.
Draws come from one fixed quasi-random sequence, so that the same record gives the same figures.
"""

import functools
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from pipeline.gate.comparison import Comparison
from pipeline.gate.economics import Money
from pipeline.gate.listening import Withheld
from pipeline.gate.live import Live
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams

N_DRAWS = 10_000
LEAST_GAIN = -0.99
"""A drawn gain below it counts as it: a metric cannot lose more than all it has, but a normal draw can."""

_Z95 = float(ndtri(0.95))
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Belief:
    """A lognormal belief about ε; evidence from experiments replaces it by a posterior of the same shape."""

    median: float
    sigma: float
    """Standard deviation of ln ε."""
    provenance: str
    """`assumed`, `published` or `measured`."""

    def at(self, z: Any) -> Any:
        """Return ε at standard normal scores."""
        return self.median * np.exp(self.sigma * z)


def belief(economics: EconomicsParams) -> Belief:
    """Return the belief about ε that the price card holds."""
    elasticity = economics.elasticity
    sigma = math.log(elasticity.high / elasticity.low) / (2 * _Z95)
    return Belief(elasticity.median, sigma, elasticity.provenance)


def worth(gain: float, economics: EconomicsParams) -> float:
    """Return W(g) at the median of ε.

    Args:
        gain: g, relative; at most a loss of LEAST_GAIN counts.
        economics: the assumptions.
    """
    return _unit(economics) * math.log1p(max(gain, LEAST_GAIN))


def break_even_gain(cost: float, economics: EconomicsParams) -> float:
    """Return the true relative gain whose worth equals a cost, at the medians; NaN if no gain does."""
    unit = _unit(economics)
    return _finite_or_nan(_expm1(cost / unit)) if unit > 0 else math.nan


def tolerated_loss(cost: float, margin: float, economics: EconomicsParams) -> float:
    """Return the relative loss that savings buy: savings / (N · H · r · ε), at the medians and at most `margin`.

    It is 0 for a challenger that costs more, and grows from there without a jump.
    """
    savings, unit = max(-cost, 0.0), _unit(economics)
    return min(savings / unit, margin) if unit > 0 else margin * (savings > 0)


@dataclass(frozen=True)
class Gain:
    """What is believed about a true relative gain: normal around 0 with standard deviation τ before the measurement."""

    measured: float
    """Δ / μ0."""
    weight: float
    """w = τ² / (τ² + SE²), the share of the measured gain that is believed (James & Stein 1961)."""
    sd: float
    """SE · √w / μ0, the standard deviation that is left."""

    def at(self, z: Any) -> Any:
        """Return the gain at standard normal scores."""
        return np.maximum(self.weight * self.measured + self.sd * z, LEAST_GAIN)


def gain_of(comparison: Comparison, true_gain_sd: float) -> Gain:
    """Return what is believed about the true gain after a comparison.

    Args:
        comparison: challenger − champion.
        true_gain_sd: τ relative to the champion's mean.

    Raises:
        ValueError: the champion's mean is not above 0, so that no gain is relative to it.
    """
    base = comparison.champion_mean
    if not base > 0:
        raise ValueError("the champion finds nothing that listeners played: no gain is relative to that")
    return believed(comparison.delta / base, comparison.se / base, true_gain_sd)


def valued_gain(comparison: Comparison, withheld: Withheld | None, true_gain_sd: float) -> Gain:
    """Return what is believed about the true gain: by withheld pairs where they count, else by the log.

    Raises:
        ValueError: see `gain_of`.
    """
    if withheld is not None and withheld.counts:
        return believed(withheld.gain, withheld.se, true_gain_sd)
    return gain_of(comparison, true_gain_sd)


def believed(measured: float, se: float, true_gain_sd: float) -> Gain:
    """Return what is believed about a true gain that was measured with a standard error; all three are relative."""
    weight = true_gain_sd**2 / (true_gain_sd**2 + se**2)
    return Gain(measured, weight, se * math.sqrt(weight))


@dataclass(frozen=True)
class Outlook:
    """Distribution of the net benefit of a switch over the horizon, from N_DRAWS draws of gain, ε and cost."""

    mean: Number
    """E[NB]."""
    low: Number
    """The 5 % quantile of NB."""
    high: Number
    """The 95 % quantile of NB."""
    probability_of_benefit: Number
    """P(NB > 0), the share of draws above 0."""
    perfect_information: Number
    """EVPI = E[max(NB, 0)] − max(E[NB], 0), the most that it can be worth to know gain, worth and cost before deciding,
    such as by an A/B test (Raiffa & Schlaifer 1961)."""


def net_benefits(gain: Gain, cost: Money, economics: EconomicsParams, live: Live | None = None) -> Floats:
    """Return draws of NB = W(g) − C, of shape (N_DRAWS,); each is linear in every price of the card.

    With a measured effect on plays, W is the margin times the effect that both sources give; it is then no longer
    linear in ε.
    """
    z = _normal_draws()
    if live is None:
        drawn: Floats = _margin(economics) * belief(economics).at(z[1]) * np.log1p(gain.at(z[0]))
    else:
        mean, sd = combined(*believed_effect(gain, economics), live)
        drawn = _margin(economics) * (mean + sd * z[0])
    return drawn - _costs(cost, economics)


def believed_effect(gain: Gain, economics: EconomicsParams) -> tuple[float, float]:
    """Return mean and standard deviation of the effect on margin that a gain predicts, τ included."""
    z = _normal_draws()
    drawn = belief(economics).at(z[1]) * np.log1p(gain.at(z[0]))
    return float(drawn.mean()), math.hypot(float(drawn.std()), economics.unexplained_sd)


def combined(mean: float, sd: float, live: Live) -> tuple[float, float]:
    """Return mean and standard deviation of N(mean, sd²) · N(y, SE²).

    Examples:
        Two sources of the same precision meet half way:

        >>> live = Live(("split-1",), effect=-0.02, se=0.01, listeners=10_000, ended=True)
        >>> mean, sd = combined(0.01, 0.01, live)
        >>> round(mean, 6), round(sd, 6)
        (-0.005, 0.007071)
    """
    own, measured = 1 / sd**2, 1 / max(live.se, 1e-9) ** 2
    return (own * mean + measured * live.effect) / (own + measured), 1 / math.sqrt(own + measured)


def elasticity_draws(economics: EconomicsParams) -> tuple[Floats, Floats]:
    """Return the draws of ε that `net_benefits` is made of, and standard normal draws that are independent of all of
    it; both of shape (N_DRAWS,)."""
    elasticity: Floats = belief(economics).at(_normal_draws()[1])
    return elasticity, np.random.default_rng(1).standard_normal(N_DRAWS)


def outlook(benefits: Floats) -> Outlook:
    """Return the figures of a distribution of net benefit, given by its draws; NaN if a draw is not finite."""
    if not np.isfinite(benefits).all():
        return Outlook(math.nan, math.nan, math.nan, math.nan, math.nan)
    mean = float(benefits.mean())
    low, high = (float(q) for q in np.quantile(benefits, (0.05, 0.95)))
    return Outlook(
        mean=mean,
        low=low,
        high=high,
        probability_of_benefit=probability(benefits),
        perfect_information=max(float(np.maximum(benefits, 0).mean()) - max(mean, 0.0), 0.0),
    )


def probability(benefits: Floats) -> float:
    """Return P(NB > 0), the share of draws above 0."""
    return int(np.count_nonzero(benefits > 0)) / len(benefits)


def needed_gain(
    gain: Gain, cost: Money, economics: EconomicsParams, probability_wanted: float, live: Live | None = None
) -> float:
    """Return the relative gain that would have to be measured, with the same SE, for P(NB > 0) to reach a probability.

    Returns:
        At least −1; NaN if no gain reaches it.
    """
    if live is not None:
        return _needed_beside(gain, cost, economics, probability_wanted, live)
    if not _margin(economics) > 0 or not gain.weight > 0:
        return math.nan
    z = _normal_draws()
    true = _expm1(_costs(cost, economics) / (_margin(economics) * belief(economics).at(z[1])))
    # A draw with savings beyond any loss is above 0 whatever is measured.
    measured = np.where(true < LEAST_GAIN, -np.inf, (true - gain.sd * z[0]) / gain.weight)
    enough = math.ceil(probability_wanted * N_DRAWS - 1e-9) - 1
    return max(_finite_or_nan(np.partition(measured, enough)[enough]), -1.0)


def _needed_beside(gain: Gain, cost: Money, economics: EconomicsParams, wanted: float, live: Live) -> float:
    """Return `needed_gain` beside a measured effect: the smallest that does, to .1 points, up to +1,000 %.

    It need not exist: an experiment may settle the matter whatever the log says.
    """

    def enough(measured: float) -> bool:
        return probability(net_benefits(replace(gain, measured=measured), cost, economics, live)) >= wanted

    steps = (-1.0, *np.linspace(-0.9, 1.0, 39).tolist(), *np.geomspace(1.1, 10.0, 12).tolist())
    high = next((each for each in steps if enough(each)), math.nan)
    if not high > -1:
        return high
    low = steps[steps.index(high) - 1]
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _costs(cost: Money, economics: EconomicsParams) -> Floats:
    """Return draws of C: machines by one lognormal factor with median 1, hours of people by another."""
    z, spread = _normal_draws(), economics.uncertainty
    machine, hours = (np.exp(math.log(f) / _Z95 * z[i]) for i, f in ((2, spread.machine), (3, spread.hours)))
    drawn: Floats = cost.machines * machine + cost.people * hours
    # A royalty is a contract's price, and the volume is an assumption of its own: neither is drawn.
    return drawn + cost.content if cost.content else drawn


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


def _margin(economics: EconomicsParams) -> float:
    """Return N · H · r, the margin of the horizon."""
    return economics.listeners * economics.horizon_days * economics.margin_per_listener_day


def _unit(economics: EconomicsParams) -> float:
    """Return N · H · r · ε at the median of ε, the worth of a unit of ln(1 + g)."""
    return _margin(economics) * economics.elasticity.median


def _expm1(exponent: Any) -> Any:
    with np.errstate(over="ignore"):  # a gain that no model has is infinite
        return np.expm1(exponent)


def _finite_or_nan(value: float) -> float:
    return float(value) if value < math.inf else math.nan
