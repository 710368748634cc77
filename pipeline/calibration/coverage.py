"""Coverage of the gate's confidence intervals, of one night and of several pooled nights."""

from itertools import islice
from typing import Any

import numpy as np

from pipeline.calibration.nights import CHALLENGER, CHAMPION, Horizon
from pipeline.calibration.operating import Rule, duel_of, rate
from pipeline.calibration.refits import Floats, Refits
from pipeline.gate.candidates import contrast
from pipeline.gate.comparison import compare, seed_variance


def coverage(
    refits: Refits, pair: tuple[str, str], *, k: int, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the share of 95 % intervals of one night that contain the true difference, over all listeners and fits.

    Args:
        refits: the fits.
        pair: champion and challenger.
        k: fits drawn for each of them.
        n_draws: number of simulated nights.
        rng: draws them.
    """
    champion, challenger = (_first_window(refits.ndcg[name]) for name in pair)
    truth = float(challenger.mean() - champion.mean())
    held, n = 0, champion.shape[1]
    for _ in range(n_draws):
        listeners = rng.integers(n, size=n)
        drawn = [f[np.ix_(rng.permutation(len(f))[:k], listeners)] for f in (challenger, champion)]
        seeds = [seed_variance(d, deterministic=len(d) == 1) for d in drawn]
        low, high = compare(*drawn, challenger_seeds=seeds[0], champion_seeds=seeds[1]).interval()
        held += low <= truth <= high
    return {"champion": pair[0], "challenger": pair[1], "k": k, "looks": 1, **rate(held, n_draws)}


def pooled_coverage(
    refits: Refits, pair: tuple[str, str], rule: Rule, *, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the share of intervals pooled over all decision windows that contain the true difference."""
    champion, challenger = duel_of(refits, pair)
    by_window = [np.nanmean(each.fits, axis=(0, 2)) for each in (challenger, champion)]
    truth = float(np.mean(by_window[0] - by_window[1]))
    held = 0
    for _ in range(n_draws):
        horizon = Horizon(refits, champion, challenger, k=rule.gate.seeds, rng=rng)
        *_, last = islice(horizon, refits.n_windows)
        both = last.candidates[CHALLENGER], last.candidates[CHAMPION]
        low, high = contrast(*both, earlier=last.earlier(CHALLENGER, CHAMPION)).interval()
        held += low <= truth <= high
    about = {"champion": pair[0], "challenger": pair[1], "k": rule.gate.seeds, "looks": refits.n_windows}
    return about | rate(held, n_draws)


def _first_window(fits: Floats) -> Floats:
    return fits[:, 0][:, ~np.isnan(fits[0, 0])]
