"""The gate's decisions on drawn nights: the first night of a clock on which a challenger would be promoted.

An exact boundary takes a tenth of a second, so it is computed only where a promotion is possible. The boundary of the
t-th analysis is never below the normal quantile of t · α_t: P(Z_t ≥ z_t) is at most what the analyses up to it may
spend.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from pipeline.calibration.refits import Floats
from pipeline.calibration.sums import Sums
from pipeline.gate.balance import Balance, weigh
from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import DETERMINISTIC, Comparison, pooled
from pipeline.gate.days import of_shocks
from pipeline.gate.economics import NightCost
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.guardrail import GUARDRAIL_ALPHA
from pipeline.gate.pooling import pool
from pipeline.gate.proof import Proof, prove
from pipeline.gate.spending import analysis_alpha
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

SLACK = 0.03
"""By how much a simulated boundary may be below the exact one."""

Nights = npt.NDArray[np.intp]


class Rule(NamedTuple):
    """The parameters of a decision."""

    gate: GateParams
    economics: EconomicsParams


@dataclass(frozen=True)
class Verdict:
    """The gate's verdict on one night of one clock."""

    proof: Proof
    balance: Balance
    agrees: bool
    """Whether tonight does not contradict the nights before."""

    @property
    def promoted(self) -> bool:
        return self.balance.pays and self.agrees


def first_promotions(sums: Sums, rule: Rule, *, pair: tuple[Candidate, Candidate]) -> Nights:
    """Return the night, from 0, on which each clock's challenger is promoted first; −1 if it is not.

    Args:
        sums: the nights of all clocks.
        rule: the parameters of the gate.
        pair: challenger and champion, for their costs.
    """
    found = np.full(sums.n_clocks, -1, dtype=np.intp)
    possible = screened(sums) >= lowest_boundaries(rule.gate, sums.n_nights)
    for clock in np.flatnonzero(possible.any(axis=1)):
        for night in np.flatnonzero(possible[clock]):
            if verdict(sums, int(clock), int(night) + 1, rule, pair).promoted:
                found[clock] = night
                break
    return found


def lowest_boundaries(gate: GateParams, n_nights: int) -> Floats:
    """Return a value below the boundary of each analysis, shape (n_nights,)."""
    spent = analysis_alpha(gate.alpha, gate.max_entrants) * np.arange(1, n_nights + 1)
    found: Floats = -ndtri(spent) - SLACK
    return found


def verdict(sums: Sums, clock: int, until: int, rule: Rule, pair: tuple[Candidate, Candidate]) -> Verdict:
    """Return the gate's verdict on the night `until` of a clock, computed by the gate's own functions."""
    nights, influences = sums.nights(clock, until)
    seeds = sums.seeds(clock, until)
    proof = prove(pool(nights, influences), *seeds, rule.gate, analysed=True)
    z = proof.comparison.delta / proof.comparison.se
    if z >= proof.boundary and proof.boundary < lowest_boundaries(rule.gate, until)[-1]:
        raise AssertionError("a boundary is lower than its bound")
    balance = weigh(proof.comparison, proof.lower_bound, pair, rule.gate, rule.economics)
    agrees = until == 1 or tonight(sums, clock, until).upper(GUARDRAIL_ALPHA) >= balance.required_gain
    return Verdict(proof, balance, agrees)


def tonight(sums: Sums, clock: int, until: int) -> Comparison:
    """Return the comparison of one night alone."""
    nights, influences = sums.nights(clock, until)
    return pooled(pool(nights[-1:], influences[-1:]), *sums.seeds(clock, until))


def screened(sums: Sums) -> Floats:
    """Return Δ/SE of every clock on every night as `pool` and `pooled` compute it, shape (n_clocks, n_nights).

    A night whose fits vary so unusually that they count alone has a smaller one in the gate.
    """
    _, n_nights, n_days = sums.parts.shape
    counts = np.arange(1, n_nights + 1)
    delta = sums.parts.sum(axis=2).cumsum(axis=1) / counts
    correction = N_GROUPS / (N_GROUPS - 1)
    variance = np.square(sums.factor.cumsum(axis=1)).sum(axis=2) / counts**2 * correction
    for side in (0, 1):
        if sums.moments.fits[side]:
            value = sums.spreads[side].cumsum(axis=1) / counts - sums.noise_of_fits(side)
            variance += np.maximum(value, 0) / sums.world.n_fits / counts
    exposed = np.zeros(n_nights + n_days - 1)
    for night in range(n_nights):
        exposed[night : night + n_days] += sums.base[night]
        parts = np.concatenate([sums.parts[:, :night, 0], sums.parts[:, night]], axis=1)
        base = np.concatenate([sums.base[:night, 0], sums.base[night]])
        noise = night * sums.day_noise[0] + sums.day_noise.sum()
        gain = parts.sum(axis=1) / base.sum()
        spread = np.square(parts - gain[:, None] * base).sum(axis=1) * len(base) / (len(base) - 1)
        shocks = of_shocks(spread, noise, len(base) - 1.0) / np.square(base).sum()
        variance[:, night] += shocks * np.square(exposed / (night + 1)).sum()
    found: Floats = delta / np.sqrt(variance)
    return found


def payer(recipe: str, family: str, night: NightCost) -> Candidate:
    """Return a candidate of which only the cost is used."""
    nothing = np.zeros((1, 1))
    return Candidate(recipe, family, nothing, nothing, DETERMINISTIC, {}, 0, night)


def best_possible(gain: float, relative_se: float, alpha: float) -> float:
    """Return the power of one test of everything that spends the whole α at once, with a known standard error: an upper
    limit for any rule that keeps α (Neyman & Pearson 1933)."""
    return float(ndtr(gain / relative_se + ndtri(alpha))) if relative_se > 0 else math.nan
