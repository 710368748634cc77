"""What decisions of 60 nights are worth: with the learned ε, with the assumed one, and by the raw log alone.

A candidate a night, as in `pipeline.calibration.frontier`: a true gain, hours of people, an estimate of the log. All
three gates use the same rule, `pipeline.gate`'s own, and the same estimates. What differs: the one that learns has the
belief of its experiments from night 29 on, and its estimate is of withheld pairs, free of what lists caused, with the
larger error of fewer pairs. The one that looks at the raw log alone has an estimate that the served lists pull down.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from bench.loop.learning import Loop
from pipeline.calibration.frontier import upkeep
from pipeline.gate.economics import Money
from pipeline.gate.valuation import believed, net_benefits, outlook, tolerated_loss
from pipeline.online.worth import learned
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

NIGHTS = 60
LEARNED_FROM = 29
SE = 0.008
"""Relative SE of a candidate's estimate on the log, over the nights that it is judged in."""
ENTRANTS = 10


@dataclass
class Account:
    """What one gate has earned, in EUR over the horizon of each promotion."""

    earned: float = 0.0
    promoted: int = 0
    wrong: int = 0
    by_world: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Sixty:
    """The three gates, and an oracle that knows ε, gains and costs."""

    oracle: list[float]
    accounts: dict[str, Account]
    n_candidates: int


def decide_all(
    loops: list[Loop],
    gate: GateParams,
    economics: EconomicsParams,
    *,
    pulled_down: float,
    withheld_se: float,
    log10_listeners: tuple[float, float],
    learned_from: int,
    rng: np.random.Generator,
) -> Sixty:
    """Judge the candidates of 60 nights in each world.

    Args:
        loops: worlds, with what was learned of each.
        gate: thresholds.
        economics: the assumptions.
        log10_listeners: between which powers of ten the sizes of services lie, log-uniformly.
        pulled_down: by how much the raw log understates a challenger's relative gain.
        withheld_se: SE of an estimate on withheld pairs, relative to that on the log.
        learned_from: the night from which the gate that learns has its experiments' belief: 1 for the nights after
            they have ended.
        rng: draws.
    """
    accounts = {name: Account() for name in ("learned", "assumed", "raw log")}
    oracle = []
    families = sorted(set(economics.maintenance_hours_per_year) - {"popular", "als"})
    for each in loops:
        best, sums = 0.0, dict.fromkeys(accounts, 0.0)
        service = economics.model_copy(update={"listeners": int(10 ** rng.uniform(*log10_listeners))})
        taught = learned(service, each.found)
        for night in range(1, NIGHTS + 1):
            cost = upkeep("als", families[int(rng.integers(len(families)))], service)
            true = float(rng.normal(0, gate.true_gain_sd))
            real = _real(true, cost, each.elasticity, service, rng)
            best += max(real, 0.0)
            noise = float(rng.standard_normal())
            seen = {
                "learned": (
                    true + withheld_se * SE * noise,
                    withheld_se * SE,
                    taught if night >= learned_from else service,
                ),
                "assumed": (true + withheld_se * SE * noise, withheld_se * SE, service),
                "raw log": (true - pulled_down + SE * noise, SE, service),
            }
            for name, (gain, se, assumed) in seen.items():
                if _promotes(gain, se, cost, gate, assumed):
                    accounts[name].promoted += 1
                    accounts[name].wrong += real < 0
                    sums[name] += real
        oracle.append(best)
        for name, total in sums.items():
            accounts[name].by_world.append(total)
    return Sixty(oracle, accounts, NIGHTS * len(loops))


def captured(sixty: Sixty, name: str) -> float:
    """Return the share of the oracle's value that a gate earned."""
    return sum(sixty.accounts[name].by_world) / sum(sixty.oracle)


def difference(sixty: Sixty, name: str, other: str, rng: np.random.Generator) -> tuple[float, float, float]:
    """Return by how much more of the oracle's value a gate earned than another, and the 95 % interval over worlds.

    By the bootstrap: worlds are independent, candidates of one world are not.
    """
    ours, theirs = (np.array(sixty.accounts[each].by_world) for each in (name, other))
    best, n = np.array(sixty.oracle), len(sixty.oracle)
    drawn = rng.integers(n, size=(2000, n))
    shares = (ours - theirs)[drawn].sum(axis=1) / best[drawn].sum(axis=1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float((ours - theirs).sum() / best.sum()), float(low), float(high)


def _promotes(gain: float, se: float, cost: Money, gate: GateParams, economics: EconomicsParams) -> bool:
    lower = gain + float(ndtri(gate.alpha / ENTRANTS)) * se
    if lower <= -tolerated_loss(cost.total, gate.refresh_margin, economics):
        return False
    look = outlook(net_benefits(believed(gain, se, gate.true_gain_sd), cost, economics))
    return look.probability_of_benefit >= gate.min_probability_of_benefit


def _real(gain: float, cost: Money, elasticity: float, economics: EconomicsParams, rng: np.random.Generator) -> float:
    margin = economics.listeners * economics.horizon_days * economics.margin_per_listener_day
    spread = math.log(economics.uncertainty.hours) / float(ndtri(0.95))
    hours = math.exp(spread * rng.standard_normal())
    return margin * elasticity * math.log1p(max(gain, -0.99)) - cost.people * hours
