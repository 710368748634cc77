"""Sensitivity analysis: the value of each price at which a challenger's balance changes sign."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.gate.balance import Balance
from pipeline.json_values import Number
from pipeline.params.economics import EconomicsParams

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

REACH = 1e4
"""Flips are searched from price / REACH to price · REACH."""

_STEPS = 80


@dataclass(frozen=True)
class Flip:
    """An assumption, and the value at which the balance turns."""

    price: str
    """Its name below `economics`."""
    assumed: Number
    """Its assumed value."""
    flips_at: Number
    """The nearest value, by ratio, beyond which `Balance.pays` changes; NaN if there is none within REACH."""


def flips(weigh_at: Callable[[EconomicsParams], Balance], economics: EconomicsParams) -> tuple[Flip, ...]:
    """Return, for each price of PRICED, the value at which `Balance.pays` changes, with all others unchanged.

    Args:
        weigh_at: returns the balance of one challenger under given economics.
        economics: the assumed values.
    """
    now = weigh_at(economics).pays

    def turned(price: str) -> Callable[[float], bool]:
        return lambda value: weigh_at(at(economics, price, value)).pays != now

    return tuple(
        Flip(price, priced(economics, price), _nearest(turned(price), priced(economics, price))) for price in PRICED
    )


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


def _nearest(flipped: Callable[[float], bool], price: float) -> float:
    """Return the value nearest to `price`, by ratio, at which `flipped` becomes true; NaN without one within REACH.

    A price of 0 is searched upwards from 1 / REACH.
    """
    origin, reach = (price, math.log(REACH)) if price else (1 / REACH, 2 * math.log(REACH))

    def beyond(log_ratio: float) -> bool:
        return flipped(origin * math.exp(log_ratio))

    found = []
    for sign in (1, -1) if price else (1,):
        steps = [sign * reach * step / _STEPS for step in range(_STEPS + 1)]
        for inside, outside in itertools.pairwise(steps):
            if beyond(outside):
                found.append(_bisect(beyond, inside, outside))
                break
    return origin * math.exp(min(found, key=abs)) if found else math.nan


def _bisect(beyond: Callable[[float], bool], inside: float, outside: float) -> float:
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if beyond(middle) else (middle, outside)
    return outside
