"""Coverage of the gate's confidence intervals: of one night of real refits, and of pooled nights that are drawn."""

from typing import Any

import numpy as np

from pipeline.calibration.moments import Moments
from pipeline.calibration.nights import Service, contender
from pipeline.calibration.rates import rate
from pipeline.calibration.refits import Refits
from pipeline.calibration.sums import World, draw
from pipeline.gate.candidates import contrast
from pipeline.gate.comparison import pooled
from pipeline.gate.pooling import pool


def coverage(
    refits: Refits, pair: tuple[str, str], *, k: int, shock_sd: float, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the share of 95 % intervals of one night that contain the true difference, over all listeners and fits.

    Args:
        refits: the fits.
        pair: champion and challenger.
        k: fits drawn for each of them, with replacement like the listeners.
        shock_sd: standard deviation of shocks of the challenger's days.
        n_draws: number of simulated nights, on the first date.
        rng: draws them.

    Returns:
        The share, the mean SE relative to the champion's mean, and how much the estimates really scatter.
    """
    both = [contender(refits, name) for name in pair]
    here = refits.here(0)
    base, best = (float(np.nanmean(each.daily[:, 0].sum(axis=1))) for each in both)
    truth, held, ses, found = best - base, 0, [], []
    for _ in range(n_draws):
        service = Service(refits, 0, rng.choice(here, size=len(here)))
        fits = [rng.integers(len(each.daily), size=k if each.stochastic else 1) for each in both]
        champion = service.candidate(pair[0], both[0], fits[0])
        shocks = shock_sd * rng.standard_normal(refits.n_days)
        challenger = service.candidate(pair[1], both[1], fits[1], shocks=shocks if shock_sd else None)
        comparison = contrast(challenger, champion, service.cells)
        low, high = comparison.interval()
        held += low <= truth <= high
        ses.append(comparison.se / base)
        found.append(comparison.delta / base)
    about = {"champion": pair[0], "challenger": pair[1], "nights": 1, "shock_sd": shock_sd, "drawn": "real refits"}
    return about | {"se": float(np.mean(ses)), "scatter": float(np.std(found)), **rate(held, n_draws)}


def pooled_coverage(
    moments: Moments, world: World, *, n_nights: int, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the share of intervals pooled over drawn nights that contain the true difference, 0."""
    sums = draw(moments, world, n_clocks=n_draws, gains=np.zeros(n_nights), rng=rng)
    held, ses, found = 0, [], []
    for clock in range(n_draws):
        comparison = pooled(pool(*sums.nights(clock, n_nights)), *sums.seeds(clock, n_nights))
        low, high = comparison.interval()
        held += low <= 0 <= high
        ses.append(comparison.se)
        found.append(comparison.delta)
    about = {"champion": moments.champion, "challenger": moments.challenger, "nights": n_nights}
    about |= {"shock_sd": world.shock_sd, "drawn": f"{world.n_listeners:,} listeners"}
    return about | {"se": float(np.mean(ses)), "scatter": float(np.std(found)), **rate(held, n_draws)}


def agreement(refits: Refits, found: Moments, *, k: int) -> dict[str, Any]:
    """Hold the moments against real arrays: the gate's SE of one night, and of the nights of all dates pooled."""
    from pipeline.calibration.real_pool import pool_of_dates

    n = float(np.mean([len(refits.here(date)) for date in range(len(refits.dates))]))
    one, all_dates, expected = pool_of_dates(refits, found, k=k)
    return {
        "champion": found.champion,
        "challenger": found.challenger,
        "listeners": n,
        "real": one,
        "drawn": float(np.sqrt(found.covariance(1)[0, 0] / n)),
        "real_pooled": all_dates,
        "drawn_pooled": expected,
    }
