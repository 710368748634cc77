"""Error rate and power of the gate beside those of naive rules, on nights drawn from real refits."""

import math
from dataclasses import replace
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta, norm

from pipeline.calibration.nights import CHALLENGER, CHAMPION, Contender, Horizon, contender
from pipeline.calibration.refits import Refits
from pipeline.gate.candidates import Tonight, contrast
from pipeline.gate.decision import Verdict, decide
from pipeline.gate.spending import LOOKS
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

T_TEST, HIGHER = "paired t-test at 5 %", "the higher number wins"
GATE, BOUND = "gate", "gate, no least gain"


class Rule(NamedTuple):
    """The parameters of a decision."""

    gate: GateParams
    economics: EconomicsParams


def false_promotions(
    refits: Refits, recipe: str, rule: Rule, *, n_horizons: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Run A/A tests: a recipe against itself, fitted with other seeds, over horizons of 90 nights.

    Returns:
        `horizons`: for each rule, the share of horizons with a promotion; `nights`: the share of nights with one.
    """
    same = contender(refits, recipe)
    runs = [promotions(Horizon(refits, same, same, k=rule.gate.seeds, rng=rng), rule, LOOKS) for _ in range(n_horizons)]
    return {
        "recipe": recipe,
        "nights_a_horizon": LOOKS,
        "horizons": {name: rate(sum(any(run[name]) for run in runs), n_horizons) for name in runs[0]},
        "nights": {name: float(np.mean([run[name] for run in runs])) for name in runs[0]},
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
    """Return how often a true, costless gain is promoted; the gain is planted by scaling fits.

    Args:
        refits: the fits.
        pair: champion and challenger.
        rule: the parameters of the gate.
        gains: true gains, relative to the champion's mean.
        n_runs: horizons for each gain.
        n_looks: nights of a horizon.
        rng: draws the nights.

    Returns:
        `gains`: for each, `within`, each rule's share of runs with a promotion; `by_look`, the gate's cumulative share
        after each night; `ceiling`, see `best_possible`.
    """
    champion = contender(refits, pair[0])
    rows, n = [], 0
    for gain in gains:
        challenger = contender(refits, pair[1], gain=gain, over=champion.fits)
        # At the champion's own cost: a recipe that saves money needs less proof, and which one saves would be noise.
        duel = (champion, replace(challenger, family=champion.family, night=champion.night))
        runs = [promotions(Horizon(refits, *duel, k=rule.gate.seeds, rng=rng), rule, n_looks) for _ in range(n_runs)]
        seen = np.array([run[GATE] for run in runs]).cumsum(axis=1) > 0
        last = list(islice(Horizon(refits, *duel, k=rule.gate.seeds, rng=rng), n_looks))[-1]
        n = last.candidates[CHAMPION].ndcg.shape[1]
        rows.append(
            {
                "gain": gain,
                "within": {name: rate(sum(any(run[name]) for run in runs), n_runs) for name in runs[0]},
                "by_look": [float(share) for share in seen.mean(axis=0)],
                "ceiling": best_possible(gain, last, rule.gate),
            }
        )
    return {"champion": pair[0], "challenger": pair[1], "n": n, "k": rule.gate.seeds, "looks": n_looks, "gains": rows}


def promotions(horizon: Horizon, rule: Rule, n_looks: int) -> dict[str, list[bool]]:
    """Return, for each rule, whether it promotes the challenger on each of `n_looks` nights."""
    found: dict[str, list[bool]] = {name: [] for name in (GATE, BOUND, T_TEST, HIGHER)}
    for tonight in islice(horizon, n_looks):
        decision = decide(tonight, *rule)
        (upgrade,) = decision.upgrades
        alone = contrast(tonight.candidates[CHALLENGER], tonight.candidates[CHAMPION])
        found[GATE].append(decision.verdict is Verdict.PROMOTE)
        found[BOUND].append(upgrade.lower_bound > 0)
        found[T_TEST].append(alone.delta > norm.isf(0.05) * alone.se_listeners)
        found[HIGHER].append(alone.delta > 0)
    return found


def first_promotion(horizon: Horizon, rule: Rule, n_looks: int) -> int | None:
    """Return the night, from 1, on which the gate promotes the challenger; None if it does not within `n_looks`."""
    verdicts = (decide(tonight, *rule).verdict for tonight in islice(horizon, n_looks))
    return next((look for look, verdict in enumerate(verdicts, start=1) if verdict is Verdict.PROMOTE), None)


def best_possible(gain: float, last: Tonight, gate: GateParams) -> float:
    """Return the power of one test on the data of all nights that spends the whole α at once, with a known standard
    error: an approximate upper limit for any rule that keeps α (Neyman & Pearson 1933)."""
    both = last.candidates[CHALLENGER], last.candidates[CHAMPION]
    found = contrast(*both, earlier=last.earlier(CHALLENGER, CHAMPION))
    beyond = gain * found.champion_mean / found.se
    return float(norm.sf(norm.isf(gate.alpha) - beyond)) if math.isfinite(beyond) else math.nan


def duel_of(refits: Refits, pair: tuple[str, str]) -> tuple[Contender, Contender]:
    """Return champion and challenger as they were fitted."""
    return contender(refits, pair[0]), contender(refits, pair[1])


def rate(count: int, n: int) -> dict[str, float]:
    """Return a proportion with its 95 % interval (Clopper & Pearson 1934)."""
    low = float(beta.ppf(0.025, count, n - count + 1)) if count else 0.0
    high = float(beta.ppf(0.975, count + 1, n - count)) if count < n else 1.0
    return {"n": n, "rate": count / n, "low": low, "high": high}
