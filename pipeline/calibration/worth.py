"""Proofs of the gate's worth and consistency: captured value, the Netflix case, flip prices, mutations, a poor fit."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.calibration.clocks import Rule
from pipeline.calibration.frontier import frontier
from pipeline.calibration.nights import CHALLENGER, CHAMPION, contender, measured, two_lots, whole
from pipeline.calibration.rates import rate
from pipeline.calibration.refits import Refits
from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.comparison import EarlierSeeds, variance_components
from pipeline.gate.decision import Verdict as Outcome
from pipeline.gate.decision import decide, prospect
from pipeline.gate.sensitivity import at

ATTITUDES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


def value(rule: Rule, *, n_candidates: int, rng: np.random.Generator) -> dict[str, Any]:
    """Return what the rule of money captures at the shipped prices, and what other attitudes to risk would."""
    shipped = rule.gate.min_probability_of_benefit
    wanted = sorted({*ATTITUDES, shipped})
    points = frontier(rule.gate, rule.economics, probabilities=wanted, n_candidates=n_candidates, rng=rng)
    rows = [
        {
            "probability": p.probability,
            "captured": p.captured,
            "promoted": p.promoted,
            "wrong": p.wrong,
            "losing": p.losing,
        }
        for p in points
    ]
    return {"n_candidates": n_candidates, "shipped": shipped, "frontier": rows}


def netflix(refits: Refits, champion: str, blend: str, rule: Rule, *, rng: np.random.Generator) -> dict[str, Any]:
    """Judge a costly ensemble that is significantly better: it should be kept out at the default prices, and promoted
    above its break-even."""
    tonight = _night(refits, (champion, blend), rule, rng=rng)
    decision = decide(tonight, *rule)
    (upgrade,) = decision.upgrades
    pair = tonight.candidates[CHALLENGER], tonight.candidates[CHAMPION]
    flips = {flip.price: flip.flips_at for flip in prospect(upgrade, pair, *rule).flips}
    beyond, verdicts = math.nan, {}
    if math.isfinite(flips["listeners"]):
        beyond = flips["listeners"]
        for name, factor in (("a thousandth below", 0.999), ("a thousandth above", 1.001)):
            verdicts[name] = decide(tonight, rule.gate, at(rule.economics, "listeners", beyond * factor)).verdict.value
    base = upgrade.comparison.champion_mean
    return {
        "champion": champion,
        "challenger": blend,
        "gain": upgrade.comparison.delta / base,
        "interval": [bound / base for bound in upgrade.interval],
        "significant": upgrade.balance.gain_proven,
        "verdict": decision.verdict.value,
        "broken": [gate.name for gate in upgrade.gates if gate.passed is False],
        "pays_from_listeners": beyond,
        "verdicts": verdicts,
    }


def invertibility(
    refits: Refits, pair: tuple[str, str], rule: Rule, *, n_flips: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Move prices to 0.1 % before and after their flip price, and count how often the verdict flips in between."""
    tried = turned = nights = 0
    while tried < n_flips and nights < 20 * n_flips:
        nights += 1
        tonight = _night(refits, pair, rule, gain=float(rng.uniform(0.03, 0.3)), rng=rng)
        economics = rule.economics.model_copy(update={"listeners": int(10 ** rng.uniform(4, 7))})
        decision = decide(tonight, rule.gate, economics)
        (upgrade,) = decision.upgrades
        if any(gate.passed is False for gate in upgrade.gates):
            continue  # a guardrail decides, so no price flips the verdict
        duel = tonight.candidates[CHALLENGER], tonight.candidates[CHAMPION]
        for flip in prospect(upgrade, duel, rule.gate, economics).flips:
            if math.isnan(flip.flips_at) or tried == n_flips:
                continue
            beyond = math.copysign(0.001, math.log(flip.flips_at / flip.assumed))
            found = [
                decide(tonight, rule.gate, at(economics, flip.price, flip.flips_at * (1 + sign * beyond))).verdict
                for sign in (-1, 1)
            ]
            tried += 1
            turned += found[0] is decision.verdict and found[1] not in {decision.verdict, Outcome.INVALID}
    return {"n": tried, "turned": turned}


def mutations(refits: Refits, recipe: str, rule: Rule, *, rng: np.random.Generator) -> dict[str, str]:
    """Return the verdicts on faulty challengers, and whether training data that include the decision window are
    refused. A challenger that cannot be measured is left out, and the night goes on."""
    tonight = _night(refits, (recipe, recipe), rule, rng=rng)
    real = tonight.candidates[CHALLENGER]
    here = refits.here(0)
    other = contender(refits, recipe)
    shares = real.daily.mean(axis=1)
    oracle = np.broadcast_to((shares / shares.sum())[:, None], real.daily.shape)
    changed = {
        "lists that went to other listeners": measured(CHALLENGER, other, refits.shuffled[:, :, here]),
        "an oracle's lists": replace(real, ndcg=np.ones_like(real.ndcg), daily=oracle),
        "figures that are not finite": replace(real, ndcg=np.full_like(real.ndcg, math.nan)),
        "a cost that was not measured": replace(real, night=None),
    }
    verdicts = {what: _verdict(tonight, candidate, rule) for what, candidate in changed.items()}
    return verdicts | {"a split that leaks the decision window": "REFUSED" if refits.leak_refused else "LEARNT FROM"}


def poor_fit(refits: Refits, recipe: str, rule: Rule, *, n_runs: int, rng: np.random.Generator) -> dict[str, Any]:
    """Let one of tonight's fits of the champion reach 80 % only, with sixty nights of sound fits on record. Return how
    often an equal challenger's gain is proven."""
    sound = refits.daily[recipe][:, 0].sum(axis=1)[:, refits.here(0)]
    value, of_means = (each / float(sound.mean()) ** 2 for each in variance_components(sound))
    record = (EarlierSeeds(value, rule.gate.seeds - 1.0, of_means),) * 60
    each, service, proven = contender(refits, recipe), whole(refits, 0), 0
    for _ in range(n_runs):
        first, second = two_lots(each, each, rule.gate.seeds, rng)
        daily = each.daily[first, 0][:, :, service.people].copy()
        daily[0] *= 0.8
        champion = measured(CHAMPION, each, daily, earlier=record)
        challenger = service.candidate(CHALLENGER, each, second, earlier=record)
        (upgrade,) = decide(service.tonight(champion, challenger), *rule).upgrades
        proven += upgrade.balance.gain_proven
    return {"proven": rate(proven, n_runs)}


def _night(
    refits: Refits, pair: tuple[str, str], rule: Rule, *, rng: np.random.Generator, gain: float | None = None
) -> Tonight:
    service = whole(refits, 0)
    champion = contender(refits, pair[0])
    challenger = contender(refits, pair[1], gain=gain, over=champion.daily)
    first, second = two_lots(champion, challenger, rule.gate.seeds, rng)
    return service.tonight(
        service.candidate(CHAMPION, champion, first), service.candidate(CHALLENGER, challenger, second)
    )


def _verdict(tonight: Tonight, challenger: Candidate, rule: Rule) -> str:
    found = decide(replace(tonight, candidates={**tonight.candidates, CHALLENGER: challenger}), *rule)
    return "LEFT OUT" if CHALLENGER in found.left_out else found.verdict.value
