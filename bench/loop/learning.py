"""Does the belief about ε cover the truth? 200 loops of experiments, each in a world of its own."""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import ndtri

from bench.loop.intervals import Share
from bench.loop.trials import STEADY, result, run
from pipeline.online.worth import LearnedWorth, Lesson, learn, lessons
from pipeline.params.economics import EconomicsParams
from pipeline.simulation.answers import Answers, effect

CONTRASTS = (0.8, 0.8, 0.15)
"""True gains of a loop's experiments: two holdbacks of popular lists, and a split."""
SHARES = (0.05, 0.05, 0.5)
GAIN_SE = 0.02


@dataclass(frozen=True)
class Loop:
    """A world and what was learned of it."""

    elasticity: float
    found: LearnedWorth


def world_of(economics: EconomicsParams, rng: np.random.Generator) -> Answers:
    """Draw a world from what is believed: ε lognormal, τ half-normal."""
    prior = economics.elasticity
    sigma = math.log(prior.high / prior.low) / (2 * float(ndtri(0.95)))
    return replace(
        STEADY,
        elasticity=prior.median * math.exp(sigma * rng.standard_normal()),
        unexplained_sd=economics.unexplained_sd * abs(rng.standard_normal()),
    )


def loop(economics: EconomicsParams, *, n_listeners: int, rng: np.random.Generator) -> Loop:
    """Run a world's experiments, listener by listener and day by day, and learn from them."""
    world, found = world_of(economics, rng), []
    for number, (gain, share) in enumerate(zip(CONTRASTS, SHARES, strict=True)):
        trial = run(world, gain=gain, gain_se=GAIN_SE, share=share, n_listeners=n_listeners, rng=rng)
        found.append(result(f"experiment-{number}", "split", trial, GAIN_SE, recipes=("popular", "als")))
    return Loop(world.elasticity, learn(economics, lessons(found)))


def drawn(economics: EconomicsParams, *, rng: np.random.Generator) -> Loop:
    """Return the same for all listeners of the price card, with effects drawn from their standard errors.

    The short cut: 100,000 listeners for 28 days, three times in each of 200 worlds, would be 1.7 billion draws.
    """
    world, found, n = world_of(economics, rng), [], economics.listeners
    for number, (gain, share) in enumerate(zip(CONTRASTS, SHARES, strict=True)):
        se = world.listener_sd * math.sqrt(1 / (share * n) + 1 / ((1 - share) * n))
        measured = gain + rng.normal(0, GAIN_SE)
        seen = effect(gain, rng.normal(0, world.unexplained_sd), world) + rng.normal(0, se)
        found.append(
            Lesson(seen, se**2, math.log1p(measured), (GAIN_SE / (1 + measured)) ** 2, n, f"experiment-{number}")
        )
    return Loop(world.elasticity, learn(economics, found))


def covered(loops: list[Loop]) -> Share:
    """Return how often the central 95 % of the belief hold the truth."""
    return Share(sum(each.found.interval[0] <= each.elasticity <= each.found.interval[1] for each in loops), len(loops))


def narrowed(loops: list[Loop], economics: EconomicsParams) -> float:
    """Return the median width of the 90 % belief, high / low, by that of the prior."""
    prior = economics.elasticity.high / economics.elasticity.low
    return float(np.median([each.found.high / each.found.low for each in loops])) / prior
