"""The incumbent's advantage: how much of the log that recipes are judged by the served lists have caused.

A listener who plays from a list plays what the served recipe likes. Recipes that list the same look better for it, and
others worse: with 5 % of discoveries caused by lists, a challenger that is truly 5.6 % better reads −5.4 % on the log.
Above a bound, a challenger that looks worse on the raw log alone is therefore not called worse.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.gate.live import Live
from pipeline.json_values import Number
from pipeline.online.results import ExperimentResult
from pipeline.params.gate import GateParams


@dataclass(frozen=True)
class Listening:
    """What the served lists caused in the decision window, from recorded impressions."""

    discoveries: int
    """Items that listeners played for the first time, those that recipes are judged by."""
    caused: int
    """Of them, those that followed from an impression within 24 hours."""
    impressions: int
    """Lists that were shown."""

    @property
    def share(self) -> Number:
        """Share of discoveries that lists caused; NaN without a discovery."""
        return self.caused / self.discoveries if self.discoveries else math.nan


@dataclass(frozen=True)
class Withheld:
    """The two recipes on withheld pairs: what listeners found although no list showed it."""

    experiments: tuple[str, ...]
    """Ids of the experiments that it is pooled from, by inverse variance."""
    gain: Number
    """Relative gain of the offline metric."""
    se: Number
    """Its standard error."""
    counts: bool
    """Whether the challenger is valued by it, in place of its gain on the log: lists have shaped the log too much."""


def shaped(listening: Listening | None, gate: GateParams) -> bool:
    """Return whether lists have caused too much of the log to call a challenger worse by it."""
    return listening is not None and listening.share > gate.max_list_caused_share


def listening_notes(listening: Listening | None, gate: GateParams) -> tuple[str, ...]:
    """Return what people should know about how the log came about; nothing without recorded impressions."""
    if listening is None or not listening.discoveries:
        return ()
    said = (
        f"{100 * listening.share:.1f} % of the {listening.discoveries:,} discoveries that recipes are judged by "
        "followed from served lists"
    )
    if not shaped(listening, gate):
        return (said,)
    bound = f"{100 * gate.max_list_caused_share:g} %"
    return (f"{said}, more than {bound}: a challenger that looks worse by them is not called worse",)


def withheld_of(
    challenger: str, champion: str, results: Sequence[ExperimentResult], *, log_is_shaped: bool
) -> Withheld | None:
    """Return the gain of a challenger on withheld pairs; None without a valid experiment of the two."""
    found = []
    for each in results:
        recipes = {arm.name: arm.recipe for arm in each.arms}
        ordered = (recipes.get(each.treatment), recipes.get(each.control)) == (challenger, champion)
        gain, se = each.offline_gain, each.offline_gain_se
        if each.design == "withhold" and each.state != "invalid" and ordered and gain is not None and se:
            found.append((each.id, gain, 1 / se**2))
    if not found:
        return None
    total = math.fsum(weight for _, _, weight in found)
    gain = math.fsum(gain * weight for _, gain, weight in found) / total
    return Withheld(tuple(name for name, _, _ in found), gain, 1 / math.sqrt(total), log_is_shaped)


def trusted(delta: float, live: Live | None, withheld: Withheld | None, *, log_is_shaped: bool) -> bool:
    """Return whether the sign of a difference on the log may be spoken of: what looks worse is said only if listeners
    did not shape it, or something else than the raw log tells."""
    return delta >= 0 or not log_is_shaped or live is not None or withheld is not None
