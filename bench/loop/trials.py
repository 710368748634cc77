"""Experiments in the world that answers: plays of listeners by day, estimated by Netgain's own functions.

The short cut: fits and lists are not made. An experiment has a true offline gain, which is measured with an error, and
its listeners play as `pipeline.simulation.answers` says.
"""

from dataclasses import dataclass, replace

import numpy as np

from pipeline.online.effects import Effect, relative_effect
from pipeline.online.results import ArmResult, Design, ExperimentResult
from pipeline.simulation.answers import Answers, daily_plays, effect, effect_by_day, make_audience, seasons

DAYS = 28
BEFORE = 28
"""Days before the experiment, for CUPED."""
STEADY = replace(Answers(), habituation=0.0)
"""Without habituation, so that 28 days estimate the lasting effect."""


@dataclass(frozen=True)
class Trial:
    """One experiment, as it is true and as it was found."""

    true_gain: float
    measured_gain: float
    true_effect: float
    found: Effect | None


def run(
    world: Answers,
    *,
    gain: float,
    gain_se: float,
    share: float,
    n_listeners: int,
    rng: np.random.Generator,
    unexplained: float | None = None,
) -> Trial:
    """Run an experiment of 28 days after 28 days without one.

    Args:
        world: what is true.
        gain: true offline gain of the treatment.
        gain_se: error with which it is measured.
        share: of listeners in the treatment.
        n_listeners: on the first day.
        rng: draws.
        unexplained: u; drawn from τ where None.
    """
    audience = make_audience(n_listeners, BEFORE + DAYS, world, rng)
    lasting = effect(gain, rng.normal(0, world.unexplained_sd) if unexplained is None else unexplained, world)
    treated = rng.random(len(audience.activity)) < share
    effects = np.zeros((len(treated), BEFORE + DAYS))
    effects[treated, BEFORE:] = effect_by_day(lasting, DAYS, world)
    plays = daily_plays(audience, seasons(BEFORE + DAYS, world, rng), effects, rng).astype(np.float64)
    here = audience.here[:, BEFORE:]
    # A listener counts from the first day on; one who leaves has days without plays, and one who joins starts later.
    seen = np.maximum.accumulate(here, axis=1)
    found = relative_effect(plays[:, BEFORE:], seen, treated, plays[:, :BEFORE].mean(axis=1))
    return Trial(gain, gain + rng.normal(0, gain_se), lasting, found)


def result(name: str, design: Design, trial: Trial, gain_se: float, *, recipes: tuple[str, str]) -> ExperimentResult:
    """Return a trial as the nights would report it; `recipes` are those of control and treatment."""
    found = trial.found
    return ExperimentResult(
        id=name,
        design=design,
        state="ended",
        control="control",
        treatment="treatment",
        arms=arms_of(recipes),
        offline_gain=max(trial.measured_gain, -0.99),
        offline_gain_se=gain_se,
        effect=None if found is None else found.value,
        effect_se=None if found is None else found.se,
        effect_df=None if found is None else found.df,
        listeners=0 if found is None else found.n_listeners,
        days=DAYS,
    )


def arms_of(recipes: tuple[str, str]) -> tuple[ArmResult, ...]:
    """Return the arms of control and treatment by their recipes; how many listeners each has is not reported."""
    return tuple(
        ArmResult(name=arm, recipe=recipe, share=0.5, assigned=1, exposed=1)
        for arm, recipe in zip(("control", "treatment"), recipes, strict=True)
    )
