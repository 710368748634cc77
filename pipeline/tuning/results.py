"""What a search comes to, in figures."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.gate.comparison import Comparison, compare, seed_variance
from pipeline.recommenders.registry import FAMILIES
from pipeline.tuning.search import Found
from pipeline.tuning.selection import CrossedGain, Outlook, crossed_gain, outlook
from pipeline.tuning.trial import Trial


@dataclass(frozen=True)
class Results:
    """A search, summed up.

    Attributes:
        comparison: the best recipe − the start, over their fits and all listeners of the tuning window; None where the
            start is the best.
        crossed: the gain without the luck of being chosen; None with one trial.
        outlook: what going on costs and brings; None with one trial.
    """

    found: Found
    comparison: Comparison | None
    crossed: CrossedGain | None
    outlook: Outlook | None

    @property
    def improved(self) -> bool:
        """Whether the best recipe is another than the start, and better over all of its fits."""
        return self.comparison is not None and self.comparison.delta > 0

    @classmethod
    def of(cls, found: Found) -> Self:
        trials, several = found.trials, len(found.trials) > 1
        return cls(
            found,
            compared(found) if found.best[0].recipe != found.first[0].recipe else None,
            crossed_gain(np.stack([trial.ndcg for trial in trials])) if several else None,
            outlook([t.value for t in trials], [t.cost.cpu_seconds for t in trials]) if several else None,
        )


def compared(found: Found) -> Comparison:
    """The best recipe against the start, paired by listener; the standard error knows the noise of seeds."""
    deterministic = not FAMILIES[found.best[0].recipe.family].stochastic
    best, first = (np.stack([fit.ndcg for fit in fits]) for fits in (found.best, found.first))
    best_seeds, first_seeds = (seed_variance(values, deterministic=deterministic) for values in (best, first))
    return compare(best, first, challenger_seeds=best_seeds, champion_seeds=first_seeds)


def best_so_far(trials: tuple[Trial, ...]) -> tuple[float, ...]:
    """The highest value up to each trial."""
    return tuple(np.maximum.accumulate([trial.value for trial in trials]).tolist())
