"""A/A experiments, and arms that do harm: how often an effect is called, and how often and when an arm is stopped."""

from dataclasses import dataclass

import numpy as np

from bench.loop.intervals import Share
from bench.loop.trials import BEFORE, DAYS, STEADY
from pipeline.online.effects import relative_effect
from pipeline.online.sequential import ALPHA, MIN_DAYS, upper_bound
from pipeline.simulation.answers import daily_plays, make_audience, seasons


@dataclass(frozen=True)
class Watched:
    """Experiments that were looked at every night from the fifth day on."""

    called: Share
    """Whose 95 % interval after 28 days leaves 0 out."""
    stopped: Share
    """Stopped by the harm bound on plays on any night."""
    listener_days: float
    """Median listener-days with the treatment until the stop; NaN without a stop."""


def watch(harm: float, *, n: int, n_listeners: int, rng: np.random.Generator) -> Watched:
    """Run n experiments of half the listeners whose treatment loses a share `harm` of plays, looked at nightly.

    The harm bound has half of its ALPHA here: the other half is for active days, which are not simulated.
    """
    called = stopped = 0
    until: list[int] = []
    for _ in range(n):
        audience = make_audience(n_listeners, BEFORE + DAYS, STEADY, rng)
        treated = rng.random(len(audience.activity)) < 0.5
        effects = np.zeros((len(treated), BEFORE + DAYS))
        effects[treated, BEFORE:] = -harm
        plays = daily_plays(audience, seasons(BEFORE + DAYS, STEADY, rng), effects, rng).astype(np.float64)
        before, y = plays[:, :BEFORE].mean(axis=1), plays[:, BEFORE:]
        seen = np.maximum.accumulate(audience.here[:, BEFORE:], axis=1)
        for day in range(MIN_DAYS, DAYS + 1):
            found = relative_effect(y[:, :day], seen[:, :day], treated, before)
            if found is not None and upper_bound(found.value, found.se, found.df, alpha=ALPHA / 2) < 0:
                stopped += 1
                until.append(int(seen[treated, :day].sum()))
                break
        found = relative_effect(y, seen, treated, before)
        if found is not None:
            low, high = found.interval()
            called += not low <= 0 <= high
    return Watched(Share(called, n), Share(stopped, n), float(np.median(until)) if until else float("nan"))
