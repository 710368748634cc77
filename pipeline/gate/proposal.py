"""The next experiment: whether a trial on listeners would be worth more than it costs. A person opens it."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pipeline.gate.economics import Money
from pipeline.gate.valuation import Gain, believed_effect, elasticity_draws, net_benefits
from pipeline.json_values import Number
from pipeline.online.evsi import evsi, evsi_of_split
from pipeline.params.economics import EconomicsParams, Trial

SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Shares of the listeners in the arm of the challenger; of several, the one that is worth most is proposed."""


@dataclass(frozen=True)
class Proposal:
    """An experiment that would be worth more than it costs, about one challenger; it decides nothing."""

    design: Literal["split", "holdback"]
    """`split`, the challenger's lists against the champion's; `holdback`, the champion's against the popular list, from
    which ε is learned."""
    share: Number
    """Share of the listeners who get the lists that are not the champion's."""
    days: int
    """How long it runs."""
    se: Number
    """Standard error of the effect on plays that is expected."""
    worth: Number
    """EVSI, over the horizon [currency]."""
    cost: Number
    """What it costs: hours of people, and margin that the share is expected to lose meanwhile [currency]."""

    @property
    def net(self) -> float:
        return self.worth - self.cost


def proposal(gain: Gain, cost: Money, economics: EconomicsParams, *, over_popular: float) -> Proposal | None:
    """Return the experiment with the highest worth after its cost; None where none is worth it.

    Args:
        gain: of the challenger, what is believed.
        cost: C.
        economics: the assumptions, with `trial`.
        over_popular: the champion's gain over the popular list, relative.
    """
    trial = economics.trial
    if trial is None:
        return None
    found = [
        each
        for share in SHARES
        for each in (
            _split(gain, cost, economics, trial, share),
            _holdback(gain, cost, economics, trial, share, over_popular=over_popular),
        )
    ]
    best = max((each for each in found if each is not None), key=lambda each: each.net, default=None)
    return best if best is not None and best.net > 0 else None


def trial_se(share: float, economics: EconomicsParams, trial: Trial) -> float:
    """Return the standard error of a relative effect on plays: cv · √(1 / n_treated + 1 / n_others).

    Day shocks are common to both arms and cancel.
    """
    n = economics.listeners
    return trial.listener_sd * math.sqrt(1 / max(share * n, 1) + 1 / max((1 - share) * n, 1))


def _split(gain: Gain, cost: Money, economics: EconomicsParams, trial: Trial, share: float) -> Proposal:
    mean, sd = believed_effect(gain, economics)
    margin, se = economics.listeners * economics.margin_per_listener_day, trial_se(share, economics, trial)
    worth = evsi_of_split(mean, sd, scale=margin * economics.horizon_days, cost=cost.total, se=se)
    lost = share * margin * trial.days * max(-mean, 0.0)
    return _proposed("split", share, trial, se, worth, _hours(economics, trial) + lost)


def _holdback(
    gain: Gain, cost: Money, economics: EconomicsParams, trial: Trial, share: float, *, over_popular: float
) -> Proposal | None:
    if not over_popular > 0:
        return None
    elasticity, noise = elasticity_draws(economics)
    contrast, se = math.log1p(over_popular), trial_se(share, economics, trial)
    data = elasticity * contrast + noise * math.hypot(economics.unexplained_sd, se)
    worth = evsi(net_benefits(gain, cost, economics), data)
    lost = share * economics.listeners * economics.margin_per_listener_day * trial.days * float(np.mean(elasticity))
    return _proposed("holdback", share, trial, se, worth, _hours(economics, trial) + lost * contrast)


def _proposed(  # noqa: PLR0917
    design: Literal["split", "holdback"], share: float, trial: Trial, se: float, worth: float, cost: float
) -> Proposal:
    # An EVSI is a small difference of sums, whose last bits depend on the processor: amounts are in whole hundredths.
    return Proposal(design, share, trial.days, se, round(worth, 2), round(cost, 2))


def _hours(economics: EconomicsParams, trial: Trial) -> float:
    return trial.hours * economics.prices.engineering_hour
