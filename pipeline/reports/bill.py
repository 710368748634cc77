"""A challenger's net benefit as a bill that adds up: what the gain is worth, and what the switch costs.

Pages and tables take their amounts from here, so that they are the same and whole units add up.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from pipeline.gate.balance import Balance
from pipeline.gate.economics import per_month
from pipeline.gate.wording import money
from pipeline.params.economics import EconomicsParams

_Z95 = NormalDist().inv_cdf(0.95)


@dataclass(frozen=True)
class Bill:
    """Amounts over the horizon in whole units of the currency: `worth - running - royalties - one_off - reserve = net`.

    Attributes:
        worth: the expected worth of the gain, which is `net` and all costs: it takes up what rounding leaves.
        running: what the challenger costs more to run; below 0 if it saves.
        royalties: what the challenger's lists cost more in royalties; below 0 if they save.
        one_off: what the switch itself costs.
        reserve: what costs exceed these two by on average, since they may be missed by a factor.
        net: the expected net benefit.
    """

    worth: int
    running: int
    royalties: int
    one_off: int
    reserve: int
    net: int

    def lines(self, balance: Balance, economics: EconomicsParams) -> list[tuple[str, int]]:
        """Return what each amount is and the amount, signed, of which the sum is `net`; amounts of 0 are left out."""
        content, days = per_month(balance.cost.content, economics), economics.horizon_days
        monthly = money(abs(balance.monthly_cost - content), economics)
        running = "saved in running it" if self.running < 0 else "running it"
        lines = [
            ("expected worth of the gain", self.worth),
            (f"{running}: {monthly} a month for {days} days", -self.running),
            (f"royalties of its lists, for {days} days", -self.royalties),
            ("switching to it, once", -self.one_off),
            ("reserve for costs that exceed their estimate", -self.reserve),
        ]
        return [line for line in lines if line[1]]


def bill_of(balance: Balance, economics: EconomicsParams) -> Bill | None:
    """Return the bill of a challenger; None if its net benefit or its cost is undefined."""
    cost, spread = balance.cost, economics.uncertainty
    machines, people = (_excess(factor) for factor in (spread.machine, spread.hours))
    running = cost.running - cost.content if cost.content else cost.running
    amounts = (
        running,
        cost.content,
        cost.switching,
        cost.machines * machines + cost.people * people,
        balance.outlook.mean,
    )
    if not all(map(math.isfinite, amounts)):
        return None
    running, content, one_off, reserve, net = map(round, amounts)
    return Bill(net + running + content + one_off + reserve, running, content, one_off, reserve, net)


def _excess(factor: float) -> float:
    """Return by which share the mean of a lognormal factor, 90 % of it within `factor` of its median, exceeds that."""
    return math.expm1((math.log(factor) / _Z95) ** 2 / 2)
