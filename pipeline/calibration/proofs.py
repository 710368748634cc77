"""How often the gate is wrong and what it can see, on nights drawn from real refits, beside naive rules."""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, norm

from pipeline.calibration.nights import CHALLENGER, CHAMPION, Horizon, contender
from pipeline.calibration.refits import Floats, Refits
from pipeline.core.candidates import POPULAR
from pipeline.core.comparison import compare, seed_variance
from pipeline.core.decision import Verdict, decide
from pipeline.core.gates import contrast
from pipeline.core.spending import LOOKS
from pipeline.params import EconomicsParams, GateParams

T_TEST, HIGHER = "paired t-test at 5 %", "the higher number wins"
GATE, BOUND = "gate", "its bound alone, no least gain"


class Rule(NamedTuple):
    """The parameters that the gate decides by."""

    gate: GateParams
    economics: EconomicsParams


def false_promotions(
    refits: Refits, recipe: str, rule: Rule, *, n_horizons: int, rng: np.random.Generator
) -> dict[str, Any]:
    """A/A: a recipe against itself, fitted with other seeds, over horizons of 90 nights.

    Returns:
        `horizons`: for each rule, the share of horizons with a promotion; `nights`: the share of nights.
    """
    same = contender(refits, recipe)
    horizons = dict.fromkeys((GATE, BOUND, T_TEST, HIGHER), 0)
    nights = dict(horizons)
    for _ in range(n_horizons):
        seen: set[str] = set()
        for tonight in islice(Horizon(refits, same, same, k=rule.gate.seeds, rng=rng), LOOKS):
            decision = decide(tonight, *rule)
            (upgrade,) = decision.upgrades
            alone = contrast(tonight.candidates[CHALLENGER], tonight.candidates[CHAMPION])
            promoted = {
                GATE: decision.verdict is Verdict.PROMOTE,
                BOUND: upgrade.lower_bound > 0,
                T_TEST: alone.delta > norm.isf(0.05) * alone.se_listeners,
                HIGHER: alone.delta > 0,
            }
            for name in (name for name, fooled in promoted.items() if fooled):
                seen.add(name)
                nights[name] += 1
        for name in seen:
            horizons[name] += 1
    return {
        "recipe": recipe,
        "nights_a_horizon": LOOKS,
        "horizons": {name: rate(count, n_horizons) for name, count in horizons.items()},
        "nights": {name: count / (n_horizons * LOOKS) for name, count in nights.items()},
    }


def power(
    refits: Refits,
    pair: tuple[str, str],
    rule: Rule,
    *,
    gains: tuple[float, ...],
    n_runs: int,
    n_looks: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """How often a true gain is promoted within so many looks; it is planted by scaling the challenger's fits. `pair` is
    champion and challenger.

    Returns:
        For each gain: `by_look`, the share of runs promoted up to each look, and its `rate` at the last.
    """
    champion = contender(refits, pair[0])
    rows = []
    for gain in gains:
        challenger = contender(refits, pair[1], gain=gain, over=champion.fits)
        horizons = (Horizon(refits, champion, challenger, k=rule.gate.seeds, rng=rng) for _ in range(n_runs))
        firsts = [first_promotion(horizon, rule, n_looks) for horizon in horizons]
        within = [sum(first is not None and first <= look for first in firsts) for look in range(1, n_looks + 1)]
        rows.append({"gain": gain, "by_look": [count / n_runs for count in within], **rate(within[-1], n_runs)})
    told = {"champion": pair[0], "challenger": pair[1], "n": _a_night(refits), "k": rule.gate.seeds}
    return told | {"gains": rows}


def first_promotion(horizon: Horizon, rule: Rule, n_looks: int) -> int | None:
    """The look at which the challenger is promoted; None where it is not within so many."""
    verdicts = (decide(tonight, *rule).verdict for tonight in islice(horizon, n_looks))
    return next((look for look, verdict in enumerate(verdicts, start=1) if verdict is Verdict.PROMOTE), None)


def coverage(
    refits: Refits, pair: tuple[str, str], *, k: int, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """How often the 95 % interval of a night holds the true difference, that of all listeners and fits."""
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
    """The same of the interval that all decision windows give together."""
    champion, challenger = (contender(refits, name) for name in pair)
    by_window = [np.nanmean(each.fits, axis=(0, 2)) for each in (challenger, champion)]
    truth = float(np.mean(by_window[0] - by_window[1]))
    held = 0
    for _ in range(n_draws):
        horizon = Horizon(refits, champion, challenger, k=rule.gate.seeds, rng=rng)
        *_, last = islice(horizon, refits.n_windows)
        both = last.candidates[CHALLENGER], last.candidates[CHAMPION]
        low, high = contrast(*both, earlier=last.earlier(CHALLENGER, CHAMPION)).interval()
        held += low <= truth <= high
    told = {"champion": pair[0], "challenger": pair[1], "k": rule.gate.seeds, "looks": refits.n_windows}
    return told | rate(held, n_draws)


def _first_window(fits: Floats) -> Floats:
    return fits[:, 0][:, ~np.isnan(fits[0, 0])]


def _a_night(refits: Refits) -> int:
    return int(_first_window(refits.ndcg[POPULAR]).shape[1])


def rate(count: int, n: int) -> dict[str, float]:
    """A share of n with its 95 % interval (Clopper & Pearson 1934)."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return {"n": n, "rate": count / n, "low": low, "high": high}
