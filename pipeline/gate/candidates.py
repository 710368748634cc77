"""What the gate decides on."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.gate.comparison import Comparison, SeedVariance, compare
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import Earlier
from pipeline.gate.spending import FIRST_NIGHT, History

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

POPULAR = "popular"
"""The recipe that is the champion while there is no other, and that every other has to beat."""

COVERAGE, TOP_SHARE = "catalogue_coverage", "top_1_percent_share"
"""Metrics that the gate cannot decide without."""


@dataclass(frozen=True)
class Candidate:
    """A recipe as the gate sees it.

    Attributes:
        recipe: its name.
        family: its family.
        ndcg: shape (n_fits, n_eligible), NDCG@k of every fit and eligible listener.
        seeds: ŝ², the variance of its mean from fit to fit.
        metrics: for each metric of the registry (`record_name`), its mean; NaN where it is undefined.
        n_invalid_lists: invalid lists of all its fits.
        night: what a night of it costs; None for the served model, whose fit was paid for in another night.
        churn_between_fits: share of a list [0, 1] that another seed would replace; 0 for a deterministic recipe.
        churn_since_served: share of a list that is not in the served model's; None where nothing is served.
    """

    recipe: str
    family: str
    ndcg: Floats
    seeds: SeedVariance
    metrics: Mapping[str, float]
    n_invalid_lists: int
    night: NightCost | None
    churn_between_fits: float = 0.0
    churn_since_served: float | None = None

    @property
    def coverage(self) -> float:
        """Share of the catalogue [0, 1] that its lists show; NaN where it was not measured."""
        return self.metrics.get(COVERAGE, math.nan)

    @property
    def top_share(self) -> float:
        """Share of its recommendations [0, 1] that go to the top 1 % of items; NaN where it was not measured."""
        return self.metrics.get(TOP_SHARE, math.nan)


@dataclass(frozen=True)
class Tonight:
    """What the gate decides on.

    Attributes:
        recipes: names of the recipes of params.yaml.
        candidates: each of them, fitted on tonight's training window.
        slices: for each slice, bool of shape (n_eligible,).
        served_recipe: recipe of the release that was served before tonight; None without one.
        served: its held-out fit, scored on tonight's decision window; None without one.
        faults: what could not be read.
        history: what earlier nights leave to this one.
        influence: for each challenger of `history.pairs`, see `Earlier`.
    """

    recipes: tuple[str, ...]
    candidates: Mapping[str, Candidate]
    slices: Mapping[str, Bools]
    served_recipe: str | None
    served: Candidate | None
    faults: tuple[str, ...] = ()
    history: History = FIRST_NIGHT
    influence: Mapping[str, Floats] = field(default_factory=dict)

    def earlier(self, challenger: str, champion: str) -> Earlier | None:
        """The earlier looks at a pair; None where there are none."""
        looks = (self.history.pairs or {}).get(challenger)
        if looks is None or looks.champion != champion:
            return None
        return Earlier(looks, self.influence[challenger])


def champion_of(tonight: Tonight) -> tuple[str, tuple[str, ...]]:
    """The recipe that challengers are held against, and why, where that needs saying."""
    served = tonight.served_recipe
    if served is None:
        return POPULAR, ("no release is served yet: the popular list is the champion",)
    # What an override brought was not proven: the gate's own choice is what a challenger has to beat.
    champion = tonight.history.champion or served
    notes = () if champion == served else (f"{served} is served, but not by the gate: {champion} is the champion",)
    if champion not in tonight.recipes:
        return POPULAR, (f"the champion {champion} is not in params.yaml: the popular list takes its place",)
    return champion, notes


def contrast(
    challenger: Candidate, champion: Candidate, among: Bools | None = None, earlier: Earlier | None = None
) -> Comparison:
    """Compare two candidates, on all eligible listeners or among some; on all, with earlier nights' comparisons.

    The variance from fit to fit is that of all listeners: a slice's own would rest on a few fits of few listeners.
    """
    chosen = slice(None) if among is None else among
    return compare(
        challenger.ndcg[:, chosen],
        champion.ndcg[:, chosen],
        challenger_seeds=challenger.seeds,
        champion_seeds=champion.seeds,
        earlier=earlier,
    )
