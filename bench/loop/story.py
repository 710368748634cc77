"""One challenger's way through the loop: worse on the raw log, better on withheld pairs, confirmed, and learned from.

Every step is decided by the gate's own rule. What is planted: a challenger whose lists are 10 % better, an elasticity
of .1, and 5 % of discoveries that the served lists cause. 100,000 listeners, the shipped price card. No model is
fitted: the log and the plays are drawn as in `incumbent` and `trials`.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bench.loop.incumbent import one_world
from bench.loop.trials import DAYS, STEADY, arms_of, result, run
from pipeline.configuration import Params
from pipeline.gate.candidates import COVERAGE, TOP_SHARE, Candidate, Tonight
from pipeline.gate.comparison import DETERMINISTIC
from pipeline.gate.decision import Decision, decide
from pipeline.gate.economics import NightCost
from pipeline.gate.listening import Listening
from pipeline.gate.pooling import Cells
from pipeline.gate.verdict_sentence import sentence
from pipeline.metrics.slices import SLICES
from pipeline.online.results import ExperimentResult
from pipeline.online.worth import learn, learned, lessons

GAIN, ELASTICITY, CAUSED = 0.1, 0.1, 0.05
WORLD = replace(STEADY, elasticity=ELASTICITY, unexplained_sd=0.002)
N_SCORED, N_DECISION_DAYS = 20_000, 7
NEXT_GAIN = 0.06


def tell_story(params: Params, rng: np.random.Generator, tell: Callable[[str], None]) -> list[dict[str, Any]]:
    """Return the steps, each with what was planted, what was seen, and the gate's sentence."""
    steps: list[dict[str, Any]] = []

    def step(what: str, decision: Decision, experiments: tuple[ExperimentResult, ...], **seen: Any) -> None:
        economics = learned(params.economics, learn(params.economics, lessons(experiments)))
        said = sentence(decision, economics, params.evaluation.k)
        steps.append({"step": what, "verdict": decision.verdict.value, "sentence": said, **seen})
        tell(f"{what}: {said}")

    pairs = one_world(gain=GAIN, caused=CAUSED, q=0.2, n_listeners=60_000, rng=rng)
    assert pairs.raw is not None
    assert pairs.withheld is not None
    shaping = Listening(discoveries=100_000, caused=int(CAUSED * 100_000), impressions=50_000)
    night = _night(("popular", 0.1), ("item_knn", 0.2), ("als", 0.2 * (1 + pairs.raw.value)), rng=rng)
    night = replace(night, listening=shaping)
    step("the raw log", decide(night, params.gate, params.economics), (), raw=pairs.raw.value, true=GAIN)

    arms = arms_of(("item_knn", "als"))
    withheld = ExperimentResult(
        id="withhold-1", design="withhold", state="ended", control="control", treatment="treatment", arms=arms,
        offline_gain=pairs.withheld.value, offline_gain_se=pairs.withheld.se, listeners=60_000, days=DAYS,
    )  # fmt: skip
    seen: tuple[ExperimentResult, ...] = (withheld,)
    step("withheld pairs", decide(replace(night, experiments=seen), params.gate, params.economics), seen,
         withheld=pairs.withheld.value, se=pairs.withheld.se)  # fmt: skip

    trial = run(WORLD, gain=GAIN, gain_se=pairs.withheld.se, share=0.5, n_listeners=100_000, rng=rng)
    assert trial.found is not None
    split = result("split-1", "split", trial, pairs.withheld.se, recipes=("item_knn", "als"))
    seen = (withheld, split.model_copy(update={"offline_gain": pairs.withheld.value}))
    promoted = decide(replace(night, experiments=seen), params.gate, params.economics)
    step("a split", promoted, seen, effect=trial.found.value, se=trial.found.se, true=trial.true_effect)

    held = run(WORLD, gain=-0.5, gain_se=0.01, share=0.05, n_listeners=100_000, rng=rng)
    seen = (*seen, result("holdback-1", "holdback", held, 0.01, recipes=("als", "popular")))
    belief = learn(params.economics, lessons(seen))
    tell(f"ε: {belief.median:.3f}, 90 % {belief.low:.3f} to {belief.high:.3f}, from {belief.listeners:,} listeners")
    steps.append({"step": "the belief", "median": belief.median, "low": belief.low, "high": belief.high,
                  "true": ELASTICITY, "listeners": belief.listeners})  # fmt: skip

    challenger = ("ials", 0.2 * (1 + GAIN) * (1 + NEXT_GAIN))
    later = _night(("popular", 0.1), ("als", 0.2 * (1 + GAIN)), challenger, rng=rng)
    step("the next challenger, by the assumed ε", decide(later, params.gate, params.economics), ())
    step(
        "the next challenger, by the learned ε",
        decide(replace(later, experiments=seen), params.gate, params.economics),
        seen,
    )
    return steps


def _night(*recipes: tuple[str, float], rng: np.random.Generator) -> Tonight:
    """Return a night of recipes with mean NDCG; the second one is the champion and is served."""
    measured = {name: _candidate(name, mean, rng) for name, mean in recipes}
    champion = recipes[1][0]
    return Tonight(
        recipes=tuple(measured),
        candidates=measured,
        cells=Cells(
            tuple(f"2026-02-{day:02}" for day in range(1, N_DECISION_DAYS + 1)),
            (np.arange(N_SCORED) % 1000).astype(np.int16),
            {name: np.arange(N_SCORED) % len(SLICES) == i for i, name in enumerate(SLICES)},
        ),
        served_recipe=champion,
        served=replace(measured[champion], night=None),
    )


def _candidate(name: str, mean: float, rng: np.random.Generator) -> Candidate:
    daily = np.clip(rng.normal(mean, 0.02, (N_DECISION_DAYS, N_SCORED)), 0, 1) / N_DECISION_DAYS
    daily *= mean / daily.sum(axis=0).mean()
    cost = NightCost(36.0, 36.0, 36.0, 2.0**30, 2.0**20, 0.001, n_listeners=100_000)
    shares = {COVERAGE: 0.5, TOP_SHARE: 0.4}
    return Candidate(name, name, daily.sum(axis=0)[None, :], daily, DETERMINISTIC, shares, 0, cost, 0.0, 0.0)
