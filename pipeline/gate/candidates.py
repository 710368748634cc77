"""The inputs of a decision: candidates, the served model and the history."""

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
"""The recipe that is the champion as long as no other recipe has been promoted."""

COVERAGE, TOP_SHARE = "catalogue_coverage", "top_1_percent_share"
"""Catalogue metrics that a decision requires."""


@dataclass(frozen=True)
class Candidate:
    """The measurements of a recipe that a decision needs.

    Attributes:
        recipe: name of the recipe.
        family: its family.
        ndcg: shape (n_fits, n_eligible), NDCG@k of every fit and eligible listener.
        seeds: ŝ², the variance of the mean between fits.
        metrics: mean of each metric of the registry, by `record_name`; NaN if undefined.
        n_invalid_lists: number of invalid lists over all fits.
        night: measured cost of a night; None for the served model, which was fitted in an earlier night.
        churn_between_fits: share of a list [0, 1] that differs between two seeds; 0 for a deterministic recipe.
        churn_since_served: share of a list [0, 1] that is not in the served model's list; None if no model is served.
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
        """Share of the catalogue [0, 1] that appears in the lists; NaN if it was not measured."""
        return self.metrics.get(COVERAGE, math.nan)

    @property
    def top_share(self) -> float:
        """Share of recommendations [0, 1] that are among the most popular 1 % of items; NaN if it was not measured."""
        return self.metrics.get(TOP_SHARE, math.nan)


@dataclass(frozen=True)
class Tonight:
    """All inputs of tonight's decision.

    Attributes:
        recipes: names of the recipes of params.yaml.
        candidates: each recipe, fitted on tonight's training window.
        slices: for each slice, bool of shape (n_eligible,).
        served_recipe: recipe of the release that was served before tonight; None without one.
        served: its held-out fit, scored on tonight's decision window; None without one.
        faults: messages about inputs that could not be read.
        history: estimates of earlier nights.
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
        """Return the earlier comparisons of a challenger with this champion; None if there were none."""
        looks = (self.history.pairs or {}).get(challenger)
        if looks is None or looks.champion != champion:
            return None
        return Earlier(looks, self.influence[challenger])


def champion_of(tonight: Tonight) -> tuple[str, tuple[str, ...]]:
    """Return the recipe that challengers are compared with, and notes for the record if it is not the served recipe."""
    served = tonight.served_recipe
    if served is None:
        return POPULAR, ("no release is served yet: the popular list is the champion",)
    # A recipe served by an override has no proven gain, so challengers are compared with the gate's own choice.
    champion = tonight.history.champion or served
    notes = () if champion == served else (f"{served} is served, but not by the gate: {champion} is the champion",)
    if champion not in tonight.recipes:
        return POPULAR, (f"the champion {champion} is not in params.yaml: the popular list takes its place",)
    return champion, notes


def contrast(
    challenger: Candidate, champion: Candidate, among: Bools | None = None, earlier: Earlier | None = None
) -> Comparison:
    """Compare two candidates on all eligible listeners, or on a subset.

    The variance between fits is always estimated from all listeners: in a slice it would rest on few fits and few
    listeners.

    Args:
        challenger: the one candidate.
        champion: the other.
        among: bool of shape (n_eligible,), the listeners to compare on; all by default.
        earlier: comparisons of earlier nights to pool with; only for a comparison on all listeners.
    """
    chosen = slice(None) if among is None else among
    return compare(
        challenger.ndcg[:, chosen],
        champion.ndcg[:, chosen],
        challenger_seeds=challenger.seeds,
        champion_seeds=champion.seeds,
        earlier=earlier,
    )
