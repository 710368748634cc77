"""What experiments say about one challenger, beside what the log says: its own effect, measured on listeners.

The effect that the offline gain predicts, N(ε · ln(1 + g), τ² + variance), is multiplied by the measured one,
N(y, SE²): a normal distribution with the precision of both. The experiment that is combined does not also teach what a
gain is worth, or it would count twice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import ndtri

from pipeline.json_values import Number
from pipeline.online.results import ExperimentResult
from pipeline.online.worth import effect_variance, learn, learned, lessons
from pipeline.params.economics import EconomicsParams

SHOWN = float(ndtri(0.95))
"""A loss is shown where the effect is below 0 by so many standard errors: an error of 5 %, on the safe side."""


@dataclass(frozen=True)
class Live:
    """A challenger's effect on plays, measured on listeners against the champion."""

    experiments: tuple[str, ...]
    """Ids of the experiments that it is pooled from, by inverse variance."""
    effect: Number
    """y, relative: .02 is 2 % more plays."""
    se: Number
    """Standard error of y."""
    listeners: int
    """Listeners that it is from."""
    ended: bool
    """Whether all of the experiments have ended: a running one is not proof, because it is looked at each night."""

    def shows_gain(self, alpha: float) -> bool:
        """Return whether more plays are proven, with a one-sided error probability α."""
        return self.ended and self.effect - float(ndtri(1 - alpha)) * self.se > 0

    @property
    def shows_loss(self) -> bool:
        """Return whether fewer plays are shown: that stops a challenger, whatever it gains offline."""
        return self.effect + SHOWN * self.se < 0


def live_of(challenger: str, champion: str, results: Sequence[ExperimentResult]) -> Live | None:
    """Return the effect of a challenger over the champion; None without a valid experiment of the two.

    An experiment counts with its sign turned where the challenger was the control.
    """
    found = []
    for each in results:
        recipes = {arm.name: arm.recipe for arm in each.arms}
        pair = recipes.get(each.treatment), recipes.get(each.control)
        if each.measures_plays and pair in {(challenger, champion), (champion, challenger)}:
            found.append((each, 1.0 if pair[0] == challenger else -1.0))
    if not found:
        return None
    weights = [1 / max(effect_variance(each), 1e-18) for each, _ in found]
    effects = [sign * (each.effect or 0.0) for each, sign in found]
    return Live(
        experiments=tuple(each.id for each, _ in found),
        effect=math.fsum(w * y for w, y in zip(weights, effects, strict=True)) / math.fsum(weights),
        se=1 / math.sqrt(math.fsum(weights)),
        listeners=sum(each.listeners for each, _ in found),
        ended=all(each.state != "running" for each, _ in found),
    )


def economics_for(
    live: Live | None, results: Sequence[ExperimentResult], economics: EconomicsParams
) -> EconomicsParams:
    """Return the assumptions that a challenger is judged by: with ε as the other experiments teach it."""
    own = live.experiments if live is not None else ()
    return learned(economics, learn(economics, lessons([each for each in results if each.id not in own])))
