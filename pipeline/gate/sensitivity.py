"""Sensitivity analysis: the value of each price at which a challenger's balance turns.

Every draw of the net benefit, and the proof of the gain, is linear in each price. So each draw turns at one value of a
price, and the value at which the balance turns is found among these, exactly and without a search.
"""

import math
from dataclasses import dataclass

import numpy as np

from pipeline.gate.balance import added_cost, proven_live
from pipeline.gate.candidates import Candidate
from pipeline.gate.comparison import Comparison
from pipeline.gate.listening import Withheld
from pipeline.gate.live import Live
from pipeline.gate.valuation import Floats, net_benefits, probability, valued_gain, worth
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

PRICED = (
    "listeners",
    "margin_per_listener_day",
    "elasticity",
    "prices.cpu_hour",
    "prices.memory_gib_hour",
    "prices.storage_gib_month",
    "prices.energy_kwh",
    "prices.carbon_kg",
    "prices.engineering_hour",
)
"""Assumptions that are varied, by their names below `economics`. For the elasticity, the median is varied; low and high
scale with it."""

ROYALTIES = ("prices.royalty_per_play", "list_plays_per_listener_day")
"""Assumptions that are varied as well where the two recipes' lists differ in royalties."""

REACH = 1e4
"""Flips are searched from price / REACH to price · REACH; those of a price of 0, up to REACH."""

SHARP = 1e-3
"""Up to this much nearer than a flip nothing has changed, and this much beyond it the balance has turned."""


@dataclass(frozen=True)
class Flip:
    """An assumption, and the value at which the balance turns."""

    price: str
    """Its name below `economics`."""
    assumed: Number
    """Its assumed value."""
    flips_at: Number
    """The nearest value, by ratio, beyond which `Balance.pays` changes; NaN without one within REACH."""


@dataclass(frozen=True)
class Stakes:
    """What decides whether a challenger pays, under some economics; with π, the same as `Balance.pays`."""

    benefits: Floats
    """Draws of the net benefit, shape (n,)."""
    proof: float
    """The gain is proven where this is above 0: L itself if savings cannot change it, else what savings leave over
    after paying for −L."""

    def pays(self, wanted: float) -> bool:
        return self.proof > 0 and probability(self.benefits) >= wanted


def flips(
    comparison: Comparison,
    lower: float,
    pair: tuple[Candidate, Candidate],
    gate: GateParams,
    economics: EconomicsParams,
    *,
    live: Live | None = None,
    withheld: Withheld | None = None,
) -> tuple[Flip, ...]:
    """Return, for each price of PRICED, the value at which `Balance.pays` changes, with all others unchanged.

    The arguments are those of `balance.weigh`. Beside a measured effect, ε is not varied: that is not linear in it.
    """
    if live is not None and live.shows_loss:
        return ()

    def stakes(assumed: EconomicsParams) -> Stakes:
        cost = added_cost(pair, assumed)
        benefits = net_benefits(valued_gain(comparison, withheld, gate.true_gain_sd), cost, assumed, live)
        if proven_live(live, gate):
            return Stakes(benefits, 1.0)
        loss = -lower / comparison.champion_mean
        fixed = loss < 0 or loss >= gate.refresh_margin
        # ln(1 + g) is 1 at g = e − 1: what a unit of it is worth.
        return Stakes(benefits, -loss if fixed else -cost.total - loss * worth(math.expm1(1), assumed))

    now, found = stakes(economics), []
    for price in (*PRICED, *(ROYALTIES if added_cost(pair, economics).content else ())):
        if price == "elasticity" and live is not None:
            continue
        assumed = priced(economics, price)
        other = 2 * assumed or 1.0
        there = stakes(at(economics, price, other))
        line = _Line(now, there, assumed, other - assumed, gate.min_probability_of_benefit)
        found.append(Flip(price, assumed, line.nearest()))
    return tuple(found)


class _Line:
    """Stakes along one price: what two values of it determine."""

    def __init__(self, now: Stakes, there: Stakes, assumed: float, step: float, wanted: float) -> None:
        self._now, self._assumed, self._wanted = now, assumed, wanted
        self._slopes = (there.benefits - now.benefits) / step
        self._proof_slope = (there.proof - now.proof) / step

    def nearest(self) -> float:
        """Return the nearest price, by ratio, beyond which the balance is another; NaN without one within REACH."""
        found = [price for sign in ((1, -1) if self._assumed else (1,)) for price in self._first(sign)]
        return min(found, key=lambda price: abs(math.log(price / (self._assumed or 1 / REACH))), default=math.nan)

    def _first(self, sign: int) -> list[float]:
        """Return the first turn upwards (1) or downwards (−1), if any."""
        values = np.append(self._now.benefits, self._now.proof)
        with np.errstate(divide="ignore", invalid="ignore"):
            turns = self._assumed - values / np.append(self._slopes, self._proof_slope)
        low, high = (self._assumed, self._assumed * REACH or REACH) if sign > 0 else (
            self._assumed / REACH, self._assumed
        )  # fmt: skip
        there = np.flatnonzero((turns > low) & (turns <= high) if sign > 0 else (turns >= low) & (turns < high))
        order = there[np.argsort(sign * turns[there], kind="stable")]
        steps, is_proof = np.where(values[order] > 0, -1, 1), order == len(values) - 1
        positive = np.count_nonzero(values[:-1] > 0) + np.cumsum(np.where(is_proof, 0, steps))
        proven = (self._now.proof > 0) + np.cumsum(np.where(is_proof, steps, 0)) > 0
        pays = proven & (positive / (len(values) - 1) >= self._wanted)
        now = self._now.pays(self._wanted)
        # A balance on the edge of π can turn to and fro from draw to draw: the turn that counts is one that stays.
        candidates = turns[order[np.flatnonzero(np.diff(pays, prepend=now))]]
        beyond = 1 + sign * SHARP
        return [v for v in candidates if self._pays(v / beyond) == now != self._pays(v * beyond)][:1]

    def _pays(self, price: float) -> bool:
        step = price - self._assumed
        there = Stakes(self._now.benefits + step * self._slopes, self._now.proof + step * self._proof_slope)
        return there.pays(self._wanted)


def priced(economics: EconomicsParams, price: str) -> float:
    """Return the assumed value of a price of PRICED."""
    if price == "elasticity":
        return economics.elasticity.median
    value = getattr(economics.prices, price.removeprefix("prices.")) if "." in price else getattr(economics, price)
    return float(value)


def at(economics: EconomicsParams, price: str, value: float) -> EconomicsParams:
    """Return the assumptions with one price changed."""
    if price == "elasticity":
        belief = economics.elasticity
        scale = value / belief.median
        changed = {"median": value, "low": belief.low * scale, "high": belief.high * scale}
        return economics.model_copy(update={"elasticity": belief.model_copy(update=changed)})
    if "." in price:
        prices = economics.prices.model_copy(update={price.removeprefix("prices."): value})
        return economics.model_copy(update={"prices": prices})
    return economics.model_copy(update={price: value})
