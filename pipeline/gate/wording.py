"""Amounts and probabilities in words: the sentence, `netgain explain` and the page say the same in the same way."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pipeline.gate.balance import Balance
from pipeline.gate.sensitivity import Flip
from pipeline.gate.spending import ANALYSES, Clock
from pipeline.params.economics import EconomicsParams

if TYPE_CHECKING:
    from pipeline.gate.record_model import Challenger, DecisionRecord

DASH = "–"
"""What is undefined is a dash, never a number."""

PRICE_WORDS = {
    "margin_per_listener_day": "the daily margin of a listener",
    "elasticity": "the elasticity of value",
    "prices.cpu_hour": "the price of a CPU hour",
    "prices.memory_gib_hour": "the price of a GiB of memory for an hour",
    "prices.storage_gib_month": "the price of a GiB of storage for a month",
    "prices.energy_kwh": "the price of a kWh",
    "prices.carbon_kg": "the price of a kg of CO2",
    "prices.engineering_hour": "the price of an hour of people",
    "prices.royalty_per_play": "the usual royalty of a play",
    "list_plays_per_listener_day": "the number of plays from lists, a listener and day,",
}
"""What the prices that can turn a balance are called."""


def money(amount: float, economics: EconomicsParams, *, sign: bool = False) -> str:
    """Return an amount in whole units of the currency; a dash where it is undefined."""
    return f"{whole(amount, sign=sign)} {economics.currency}" if math.isfinite(amount) else DASH


def whole(amount: float, *, sign: bool = False) -> str:
    """Return an amount without decimals or currency; 0 has no sign."""
    if not math.isfinite(amount):
        return DASH
    rounded = round(amount)
    return f"{rounded:{'+' if sign and rounded else ''},d}"


def percent(share: float | None, *, sign: bool = False, digits: int = 1) -> str:
    """Return a share as a percentage; a dash where it is undefined."""
    if share is None or not math.isfinite(share):
        return DASH
    return f"{100 * share:{'+' if sign else ''}.{digits}f} %"


def small_share(share: float) -> str:
    """Return a share as a percentage with two significant digits, since a small one is not 0; a dash where undefined.

    Examples:
        >>> small_share(0.00012), small_share(0.4567), small_share(0.0)
        ('0.012 %', '46 %', '0 %')
    """
    if not math.isfinite(share):
        return DASH
    return f"{float(f'{100 * share:.2g}'):g} %"


def chance(balance: Balance) -> str:
    """Return P(NB > 0) as a percentage, with as many digits as it takes to tell it from π."""
    found, wanted = balance.outlook.probability_of_benefit, balance.required_probability
    for digits in (0, 1):
        if (round(found, digits + 2) >= round(wanted, digits + 2)) == (found >= wanted):
            return percent(found, digits=digits)
    return percent(found, digits=2)


def required_chance(balance: Balance) -> str:
    """Return π as a percentage without needless digits."""
    return f"{float(f'{100 * balance.required_probability:.6g}'):g} %"


def cost_words(balance: Balance, economics: EconomicsParams) -> str:
    """Return what a switch costs, running and once, such as `costs 54 EUR a month and 320 EUR once`."""
    monthly, once = round(balance.monthly_cost), round(balance.one_off_cost)
    if not monthly and not once:
        return "costs nothing more"
    running = f"{money(abs(monthly), economics)} a month"
    if not once:
        return f"saves {running}" if monthly < 0 else f"costs {running}"
    one_off = f"{money(once, economics)} once"
    if not monthly:
        return f"costs {one_off}"
    return f"saves {running} and costs {one_off}" if monthly < 0 else f"costs {running} and {one_off}"


def source(record: "DecisionRecord") -> str:
    """Return where the belief about ε comes from: `assumed`, `published`, or how many listeners measured it."""
    if record.worth is None:
        return record.assumptions.elasticity.provenance
    return f"measured with {record.worth.listeners:,} listeners"


def next_experiment(challenger: "Challenger", economics: EconomicsParams) -> str:
    """Return the proposal of an experiment in words; a challenger without one has none to be worded."""
    proposed = challenger.prospect.experiment
    if proposed is None:
        raise ValueError(f"no experiment about {challenger.recipe} is worth its cost")
    lists = f"the lists of {challenger.recipe}" if proposed.design == "split" else "the popular list"
    return (
        f"Worth trying: a {proposed.design} that gives {percent(proposed.share, digits=0)} of the listeners {lists} "
        f"for {proposed.days} days. It is expected to be worth {money(proposed.worth, economics)} to this decision and "
        f"to cost {money(proposed.cost, economics)}."
    )


def clock_words(clock: Clock) -> str:
    """Return why a challenger is not analysed tonight, and when it will be."""
    match clock.status:
        case "waiting":
            return f"it is new: it is judged from {clock.until} on, on days since it entered"
        case "spent":
            return f"its {ANALYSES} analyses of this quarter are done; the next begin on {clock.until}"
        case _:
            return f"the error budget of this quarter is taken by others; it is judged from {clock.until} on"


def turning(flips: Sequence[Flip], economics: EconomicsParams) -> str | None:
    """Return the condition under which the balance turns, such as `below 26,000 listeners`; None if no price turns it.

    It is about the number of listeners if that turns the balance, else about the price that needs to move least.
    """
    found = [flip for flip in flips if math.isfinite(flip.flips_at)]
    if not found:
        return None
    flip = min(found, key=lambda each: (each.price != "listeners", _distance(each)))
    up = flip.flips_at > flip.assumed
    if flip.price == "listeners":
        return f"{'from' if up else 'below'} {listeners(flip)} listeners"
    currency = "" if flip.price in {"elasticity", "list_plays_per_listener_day"} else f" {economics.currency}"
    source = economics.elasticity.provenance if flip.price == "elasticity" else "assumed"
    return (
        f"if {PRICE_WORDS[flip.price]} were {'above' if up else 'below'} {_told_apart(flip, 3):g}{currency} "
        f"({source}: {flip.assumed:g})"
    )


def listeners(flip: Flip) -> str:
    """Return the number of listeners at a flip, with two digits or as many as tell it from the assumed one.

    Examples:
        >>> listeners(Flip("listeners", 100_000, 25_984.4)), listeners(Flip("listeners", 100_000, 3_456_789.0))
        ('26,000', '3.5 million')
        >>> listeners(Flip("listeners", 100_000, 100_234.5))
        '100,200'
    """
    number = _told_apart(flip, 2)
    return f"{number / 1e6:,.12g} million" if number >= 1e6 else f"{number:,.0f}"


def _told_apart(flip: Flip, digits: int) -> float:
    """Return a flip rounded to some digits, or to the fewest more that leave it on its side of what is assumed."""
    rounded = (float(f"{flip.flips_at:.{n}g}") for n in range(digits, 12))
    up = flip.flips_at > flip.assumed
    return next((each for each in rounded if (each > flip.assumed if up else each < flip.assumed)), flip.flips_at)


def _distance(flip: Flip) -> float:
    return abs(math.log(flip.flips_at / flip.assumed)) if flip.assumed else math.inf
