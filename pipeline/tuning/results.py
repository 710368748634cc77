"""The result of a search, in figures."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from pipeline.gate.comparison import Comparison, compare_on_listeners, seed_variance
from pipeline.recommenders.registry import FAMILIES
from pipeline.tuning.search import Found
from pipeline.tuning.selection import CrossedGain, Outlook, crossed_gain, outlook
from pipeline.tuning.trial import Trial


@dataclass(frozen=True)
class Results:
    """The result of a search.

    Attributes:
        found: the trials and the closing fits.
        comparison: the best recipe minus the start, over their fits and all listeners of the tuning window; None if the
            start is the best.
        crossed: the gain corrected for selection; None with one trial.
        outlook: the cost and the expected gain of a further trial; None with one trial.
    """

    found: Found
    comparison: Comparison | None
    crossed: CrossedGain | None
    outlook: Outlook | None

    @property
    def improved(self) -> bool:
        """Whether the best recipe differs from the start and is better on average over its fits."""
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
    """Compare the best recipe with the start, paired by listener; the standard error includes seed noise."""
    deterministic = not FAMILIES[found.best[0].recipe.family].stochastic
    best, first = (np.stack([fit.ndcg for fit in fits]) for fits in (found.best, found.first))
    best_seeds, first_seeds = (seed_variance(values, deterministic=deterministic) for values in (best, first))
    return compare_on_listeners(best, first, challenger_seeds=best_seeds, champion_seeds=first_seeds)


def best_so_far(trials: tuple[Trial, ...]) -> tuple[float, ...]:
    """Return the highest value up to each trial."""
    return tuple(np.maximum.accumulate([trial.value for trial in trials]).tolist())
