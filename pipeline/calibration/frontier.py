"""The attitude to risk π on a frontier: what the rule of money captures of a gain's value, and how often it errs.

A pure simulation of the belief that the gate states, without refits: what is true is drawn from the belief itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from pipeline.gate.economics import Money
from pipeline.gate.valuation import LEAST_GAIN, belief, believed, net_benefits, outlook, tolerated_loss
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

WEEKLY_SE = 0.008
"""Relative SE of a night at 20,000 listeners. Nights of one week share their days; weeks are independent."""
N_WEEKS = 4
"""Weeks that a candidate is judged in: the 28 nights that are pooled."""
ENTRANTS = 10
"""Challengers of a quarter, among which α is divided."""


@dataclass(frozen=True)
class Point:
    """What one attitude to risk leads to, as shares."""

    probability: float
    """π; 0 for proof of the gain alone."""
    captured: float
    """Of the net benefit that a risk-neutral Bayes rule expects to earn, the share that this one does."""
    promoted: float
    """Candidates that are promoted."""
    wrong: float
    """Candidates that are promoted and whose true net benefit, at the true elasticity and cost, is below 0."""
    losing: float
    """Candidates that are promoted and do not earn their cost on average over ε and cost: wrong about the gain."""


def frontier(
    gate: GateParams,
    economics: EconomicsParams,
    *,
    probabilities: Sequence[float],
    n_candidates: int,
    rng: np.random.Generator,
    champion: str = "als",
    log10_listeners: tuple[float, float] = (5, 7),
) -> tuple[Point, ...]:
    """Return a point for each attitude to risk.

    The mix of candidates: true gains are normal around 0 with standard deviation τ = `gate.true_gain_sd`; upkeep and
    switching are those of a random family; services have 10⁵ to 10⁷ listeners, log-uniformly. Machines are left out:
    they are a thousandth of the cost. A candidate is judged after each of four weeks, and promoted at the first that
    lets it. The Bayes rule judges after the fourth: it promotes if and only if the expected net benefit is above 0.

    Args:
        gate: thresholds; its own π is not used.
        economics: the assumptions; its number of listeners is not used.
        probabilities: values of π.
        n_candidates: how many are drawn.
        rng: draws them.
        champion: the family that candidates would replace.
        log10_listeners: between which powers of ten the sizes of services lie.
    """
    families = sorted(set(economics.maintenance_hours_per_year) - {"popular", champion})
    wanted = np.array(probabilities)
    promoted = np.zeros((len(wanted), n_candidates), dtype=np.bool_)
    bayes = np.zeros(n_candidates, dtype=np.bool_)
    expected, real = np.empty(n_candidates), np.empty(n_candidates)
    for i in range(n_candidates):
        service = economics.model_copy(update={"listeners": int(10 ** rng.uniform(*log10_listeners))})
        cost = upkeep(champion, families[int(rng.integers(len(families)))], service)
        true = float(rng.normal(0, gate.true_gain_sd))
        expected[i], real[i] = _truth(true, cost, service, rng)
        weeks = true + WEEKLY_SE * rng.standard_normal(N_WEEKS).cumsum() / np.arange(1, N_WEEKS + 1)
        for week, gain in enumerate(weeks, start=1):
            proven, probability, mean = _judged(float(gain), WEEKLY_SE / math.sqrt(week), cost, gate, service)
            promoted[:, i] |= proven & (probability >= wanted)
            bayes[i] = mean > 0
    possible = float(expected[bayes].sum())
    return tuple(
        Point(
            probability=float(pi),
            captured=float(expected[row].sum()) / possible if possible > 0 else math.nan,
            promoted=float(row.mean()),
            wrong=float((row & (real < 0)).mean()),
            losing=float((row & (expected < 0)).mean()),
        )
        for pi, row in zip(wanted, promoted, strict=True)
    )


def upkeep(champion: str, challenger: str, economics: EconomicsParams) -> Money:
    """Return the cost of the hours of people when one family replaces another."""
    hours = economics.maintenance_hours_per_year
    added = (hours[challenger] - hours[champion]) * economics.horizon_days / 365
    once = economics.switching_hours[challenger]
    price = economics.prices.engineering_hour
    return Money(compute=0, memory=0, storage=0, energy=0, maintenance=added * price, switching=once * price)


def _judged(
    gain: float, se: float, cost: Money, gate: GateParams, economics: EconomicsParams
) -> tuple[bool, float, float]:
    """Return whether a relative gain is proven, P(NB > 0) and E[NB]."""
    alpha = gate.alpha / ENTRANTS / N_WEEKS
    lower = gain + float(ndtri(alpha)) * se
    seen = outlook(net_benefits(believed(gain, se, gate.true_gain_sd), cost, economics))
    proven = lower > -tolerated_loss(cost.total, gate.refresh_margin, economics)
    return proven, seen.probability_of_benefit, seen.mean


def _truth(gain: float, cost: Money, economics: EconomicsParams, rng: np.random.Generator) -> tuple[float, float]:
    """Return the net benefit of a true gain, expected over ε and cost; and at an ε and a cost drawn from the belief."""
    assumed, spread = belief(economics), math.log(economics.uncertainty.hours) / float(ndtri(0.95))
    margin = economics.listeners * economics.horizon_days * economics.margin_per_listener_day
    earned, z = margin * math.log1p(max(gain, LEAST_GAIN)), rng.standard_normal(2)
    # The mean of a lognormal is its median times exp(σ²/2).
    mean = assumed.median * math.exp(assumed.sigma**2 / 2) * earned - cost.people * math.exp(spread**2 / 2)
    return mean, float(assumed.at(z[0])) * earned - cost.people * math.exp(spread * z[1])
