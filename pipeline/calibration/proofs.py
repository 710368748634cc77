"""How often the gate is wrong and what it can see, on nights drawn from real refits, beside naive rules."""

from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, norm

from pipeline.calibration.nights import Drawer, contender
from pipeline.calibration.refits import Refits
from pipeline.core.comparison import compare, seed_variance
from pipeline.core.decision import Verdict, decide
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
        drawer = Drawer(refits, same, same, n=refits.n_listeners, k=rule.gate.seeds, rng=rng)
        seen: set[str] = set()
        for _night in range(LOOKS):
            decision = decide(drawer.night(), *rule)
            (upgrade,) = decision.upgrades
            z = upgrade.comparison.delta / upgrade.comparison.se_listeners
            promoted = {
                GATE: decision.verdict is Verdict.PROMOTE,
                BOUND: upgrade.lower_bound > 0,
                T_TEST: z > norm.isf(0.05),
                HIGHER: upgrade.comparison.delta > 0,
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
    n: int,
    n_runs: int,
    n_looks: int,
    rng: np.random.Generator,
) -> dict[str, Any]:
    """How often a true gain is promoted within so many looks; it is planted by scaling the challenger's fits. `pair` is
    champion and challenger."""
    champion = contender(refits, pair[0])
    rows = []
    for gain in gains:
        challenger = contender(refits, pair[1], gain=gain, over=champion.fits)
        drawers = (Drawer(refits, champion, challenger, n=n, k=rule.gate.seeds, rng=rng) for _ in range(n_runs))
        firsts = [first_promotion(drawer, rule, n_looks) for drawer in drawers]
        within = [sum(first is not None and first <= look for first in firsts) for look in range(1, n_looks + 1)]
        rows.append({"gain": gain, "by_look": [count / n_runs for count in within], **rate(within[-1], n_runs)})
    return {"champion": pair[0], "challenger": pair[1], "n": n, "k": rule.gate.seeds, "gains": rows}


def first_promotion(drawer: Drawer, rule: Rule, n_looks: int) -> int | None:
    """The look at which the challenger is promoted; None where it is not within so many."""
    nights = (decide(drawer.night(), *rule).verdict for _ in range(n_looks))
    return next((look for look, verdict in enumerate(nights, start=1) if verdict is Verdict.PROMOTE), None)


def coverage(
    refits: Refits, pair: tuple[str, str], *, k: int, n_draws: int, rng: np.random.Generator
) -> dict[str, Any]:
    """How often the 95 % interval of a night holds the true difference, that of all listeners and fits."""
    champion, challenger = (refits.ndcg[name] for name in pair)
    truth = float(challenger.mean() - champion.mean())
    held = 0
    for _ in range(n_draws):
        listeners = rng.integers(refits.n_listeners, size=refits.n_listeners)
        drawn = [f[np.ix_(rng.permutation(len(f))[:k], listeners)] for f in (challenger, champion)]
        seeds = [seed_variance(d, deterministic=len(d) == 1) for d in drawn]
        low, high = compare(*drawn, challenger_seeds=seeds[0], champion_seeds=seeds[1]).interval()
        held += low <= truth <= high
    return {"champion": pair[0], "challenger": pair[1], "k": k, **rate(held, n_draws)}


def rate(count: int, n: int) -> dict[str, float]:
    """A share of n with its 95 % interval (Clopper & Pearson 1934)."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return {"n": n, "rate": count / n, "low": low, "high": high}
