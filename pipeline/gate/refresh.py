"""The refresh lane's memory: what repeated refreshing has come to since the champion was chosen.

Every night's newer fit may be within the margin of what is served, and a hundred such nights far below it. So besides
tonight's comparison with the served model, two sums over nights are tested: the chain of refreshes that were served,
and the gain over the popular list, measured on the same listeners and days, compared with what it was at first.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.gate.candidates import POPULAR, Candidate, Tonight, contrast
from pipeline.gate.comparison import SeedVariance, combination
from pipeline.gate.pooling import Earlier, PairNight, Sample, pair_night, pool
from pipeline.json_values import Number

Floats = npt.NDArray[np.float64]

REFRESH, OVER_POPULAR = "@refresh", "@popular"
"""Names of the lane's comparisons among the pairs of a night. Recipes cannot have them."""

MEMORY = (REFRESH, OVER_POPULAR)

TONIGHT, CHAIN = "tonight", "since the promotion"
LEVEL = "gain over the popular list"

TONIGHT_ALPHA, MEMORY_ALPHA = 0.05, 0.025
"""Probability that the upper bound of a change misses it, tonight and over nights: there are two of the latter."""

MIN_NIGHTS = 6
"""Nights from which the gain over the popular list is compared with what it was."""


@dataclass(frozen=True)
class Change:
    """How a model compares with what was served, relative to the latter."""

    what: str
    """`tonight`, `since the promotion` or `gain over the popular list`."""
    n_nights: int
    """Nights that it is computed from."""
    change: Number
    """Relative change; negative for a loss."""
    upper_bound: Number
    """Upper confidence bound of the change."""


def changes(tonight: Tonight, fresh: Candidate, served: Candidate) -> tuple[Change, ...]:
    """Return what refreshing would come to: tonight, since the promotion, and against the popular list.

    Args:
        tonight: the inputs of the decision.
        fresh: the champion's newer fit.
        served: the served model.
    """
    found = [change_tonight(tonight, fresh, served)]
    refreshes, levels = tonight.earlier(REFRESH), tonight.earlier(OVER_POPULAR)
    if refreshes is not None:
        found.append(_chain(tonight, refreshes, fresh, served))
    if levels is not None and len(levels.nights) + 1 >= MIN_NIGHTS and fresh.family != POPULAR:
        found.append(_level(tonight, levels, fresh))
    return tuple(found)


def change_tonight(tonight: Tonight, model: Candidate, served: Candidate) -> Change:
    """Return how a model compares with the served one on tonight's window."""
    comparison = contrast(model, served, tonight.cells)
    base = comparison.champion_mean
    if not base > 0:  # the served model finds nothing: whatever finds something is no worse
        return Change(TONIGHT, 1, math.nan, math.inf)
    return Change(TONIGHT, 1, comparison.delta / base, comparison.upper(TONIGHT_ALPHA) / base)


def refresh_night(tonight: Tonight, fresh: Candidate, served: Candidate, as_of: str) -> tuple[PairNight, Floats]:
    """Return tonight's refresh, for later nights; its influences are of shape (len(PARTS), N_GROUPS)."""
    return pair_night(fresh.sample, served.sample, tonight.cells, as_of)


def level_night(tonight: Tonight, fresh: Candidate, as_of: str) -> tuple[PairNight, Floats]:
    """Return tonight's gain of the champion's recipe over the popular list, for later nights.

    Its influences are those of the logarithm of the ratio of means, times the champion's mean: the popular list is
    scaled to the champion's mean, so that swings that both share cancel.
    """
    popular = tonight.candidates[POPULAR]
    base = float(popular.ndcg.mean())
    ratio = float(fresh.ndcg.mean()) / base if base > 0 else math.nan
    scaled = Sample(popular.ndcg * ratio, popular.daily * ratio)
    night, influences = pair_night(fresh.sample, scaled, tonight.cells, as_of)
    return replace(night, log_ratio=math.log(ratio) if ratio > 0 else math.nan), influences


def _chain(tonight: Tonight, earlier: Earlier, fresh: Candidate, served: Candidate) -> Change:
    """Return the sum of the relative changes of all refreshes that were served, and of tonight's."""
    night, influences = refresh_night(tonight, fresh, served, as_of="")
    nights = [*earlier.nights, night]
    found = pool(nights, np.concatenate([earlier.influence, influences[None]]))
    counts = np.array([each.served for each in earlier.nights] + [True], dtype=np.float64)
    weights = np.where(counts > 0, counts / np.where(found.champion > 0, found.champion, math.nan), 0.0)
    estimate = combination(found, weights, served.seeds, fresh.seeds)
    return Change(CHAIN, int(counts.sum()), estimate.value, estimate.upper(MEMORY_ALPHA))


def _level(tonight: Tonight, earlier: Earlier, fresh: Candidate) -> Change:
    """Return the gain over the popular list of the latest third of nights less that of the first third."""
    night, influences = level_night(tonight, fresh, as_of="")
    nights = [*earlier.nights, night]
    found = pool(nights, np.concatenate([earlier.influence, influences[None]]))
    third = math.ceil(len(nights) / 3)
    shares = np.zeros(len(nights))
    shares[:third] -= 1 / third
    shares[-third:] += 1 / third
    still = SeedVariance(0.0, math.inf)  # the popular list has no seeds
    estimate = combination(found, shares / found.challenger, still, fresh.seeds)
    value = float(shares @ np.array([each.log_ratio for each in nights]))
    return Change(LEVEL, len(nights), value, value + estimate.upper(MEMORY_ALPHA) - estimate.value)
