"""Proofs of the gate's worth and consistency: net value, the Netflix case, flip prices, mutations."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.calibration.nights import CHALLENGER, CHAMPION, Contender, Horizon, contender
from pipeline.calibration.operating import Rule, duel_of, first_promotion, rate
from pipeline.calibration.refits import Refits
from pipeline.gate.candidates import Tonight
from pipeline.gate.decision import Verdict, decide, prospect
from pipeline.gate.economics import running_cost, switching_cost
from pipeline.gate.sensitivity import at
from pipeline.gate.valuation import worth

LOOKS_A_CANDIDATE = 7


def value(
    refits: Refits, pair: tuple[str, str], rule: Rule, *, n_candidates: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Return the net value of the gate's promotions relative to an oracle that knows every true gain.

    The mix of candidates: true gains are normal around 0 with standard deviation τ = `gate.true_gain_sd`; the upkeep is
    that of a random family of the refits except popular; services have 10⁵ to 10⁷ listeners, log-uniformly. Each
    candidate is tested on seven nights. True net benefit is computed at the median assumptions, for oracle and gate.
    """
    champion = contender(refits, pair[0])
    families = [name for name in sorted(refits.families) if name not in {"popular", pair[0]}]
    earned = possible = wrong = promoted = 0.0
    for _ in range(n_candidates):
        gain = float(rng.normal(0, rule.gate.true_gain_sd))
        economics = rule.economics.model_copy(update={"listeners": int(10 ** rng.uniform(5, 7))})
        challenger = contender(refits, pair[1], gain=gain, over=champion.fits)
        payer = families[int(rng.integers(len(families)))]
        challenger = replace(challenger, family=refits.families[payer], night=refits.nights[payer])
        net = true_net_benefit(champion, challenger, gain, Rule(rule.gate, economics))
        possible += max(net, 0.0)
        horizon = Horizon(refits, champion, challenger, k=rule.gate.seeds, rng=rng)
        if first_promotion(horizon, Rule(rule.gate, economics), LOOKS_A_CANDIDATE) is not None:
            promoted += 1
            earned += net
            wrong += net < 0
    return {
        "n_candidates": n_candidates,
        "n_promoted": int(promoted),
        "share_of_oracle": earned / possible if possible else math.nan,
        "wrong": rate(int(wrong), n_candidates),
    }


def true_net_benefit(champion: Contender, challenger: Contender, gain: float, rule: Rule) -> float:
    """Return the net benefit of a switch with a known relative gain, at the median assumptions."""
    costs = [running_cost(each.night, each.family, rule.economics) for each in (champion, challenger)]
    cost = switching_cost(costs[0], costs[1], challenger.family, rule.economics).total
    return worth(gain, rule.economics) - cost


def netflix(refits: Refits, champion: str, blend: str, rule: Rule, *, rng: np.random.Generator) -> dict[str, Any]:
    """Judge a costly ensemble that is significantly better: it should be kept out at the default prices, and promoted
    above its break-even."""
    tonight = next(iter(Horizon(refits, *duel_of(refits, (champion, blend)), k=rule.gate.seeds, rng=rng)))
    decision = decide(tonight, *rule)
    (upgrade,) = decision.upgrades
    pair = tonight.candidates[CHALLENGER], tonight.candidates[CHAMPION]
    flips = {flip.price: flip.flips_at for flip in prospect(upgrade, pair, *rule).flips}
    beyond = math.nan
    verdicts = {}
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
    champion = contender(refits, pair[0])
    tried = turned = 0
    while tried < n_flips:
        challenger = contender(refits, pair[1], gain=float(rng.uniform(0.03, 0.3)), over=champion.fits)
        tonight = next(iter(Horizon(refits, champion, challenger, k=rule.gate.seeds, rng=rng)))
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
            turned += found[0] is decision.verdict and found[1] not in {decision.verdict, Verdict.INVALID}
    return {"n": tried, "turned": turned}


def mutations(refits: Refits, recipe: str, rule: Rule, *, rng: np.random.Generator) -> dict[str, str]:
    """Return the verdicts on faulty challengers: shuffled lists, an oracle's lists, unmeasured figures and costs; and
    whether training data that include the decision window are refused."""
    champion = contender(refits, recipe)
    tonight = next(iter(Horizon(refits, champion, champion, k=rule.gate.seeds, rng=rng)))
    real = tonight.candidates[CHALLENGER]
    changed = {
        "lists that went to other listeners": replace(real, ndcg=refits.shuffled[:, ~np.isnan(refits.shuffled[0])]),
        "an oracle's lists": replace(real, ndcg=np.ones_like(real.ndcg)),
        "figures that are not finite": replace(real, ndcg=np.full_like(real.ndcg, math.nan)),
        "a cost that was not measured": replace(real, night=None),
    }
    verdicts = {what: _verdict(tonight, candidate, rule) for what, candidate in changed.items()}
    return verdicts | {"a split that leaks the decision window": "REFUSED" if refits.leak_refused else "LEARNT FROM"}


def _verdict(tonight: Tonight, challenger: Any, rule: Rule) -> str:
    return decide(replace(tonight, candidates={**tonight.candidates, CHALLENGER: challenger}), *rule).verdict.value
