"""The inputs of a decision: candidates, the served model and the history."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pipeline.gate.champion import ChampionDefinition
from pipeline.gate.comparison import Comparison, SeedVariance, compare
from pipeline.gate.economics import ContentFigures, NightCost
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.listening import Listening
from pipeline.gate.pooling import EVERYONE, PARTS, Cells, Earlier, Sample
from pipeline.gate.spending import FIRST_NIGHT, History
from pipeline.online.results import ExperimentResult

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
        daily: shape (n_days, n_eligible), each decision day's part of it, averaged over fits.
        seeds: ŝ², the variance of the mean between fits.
        metrics: mean of each metric of the registry, by `record_name`; NaN if undefined.
        n_invalid_lists: number of invalid lists over all fits.
        night: measured cost of a night; None for the served model, which was fitted in an earlier night.
        churn_between_fits: share of a list [0, 1] that differs between two seeds; 0 for a deterministic recipe.
        churn_since_served: share of a list [0, 1] that is not in the served model's list; None if no model is served.
        content: royalties of a play from its lists; None where all items cost the same.
    """

    recipe: str
    family: str
    ndcg: Floats
    daily: Floats
    seeds: SeedVariance
    metrics: Mapping[str, float]
    n_invalid_lists: int
    night: NightCost | None
    churn_between_fits: float = 0.0
    churn_since_served: float | None = None
    content: ContentFigures | None = None

    @property
    def sample(self) -> Sample:
        """Return its figures of tonight."""
        return Sample(self.ndcg, self.daily)

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
        recipes: names of the recipes of params.yaml, and of a champion that is carried along.
        candidates: each recipe, fitted on tonight's training window.
        cells: the eligible listeners and the decision days.
        served_recipe: recipe of the release that was served before tonight; None without one.
        served: its held-out fit, scored on tonight's decision window; None without one.
        faults: messages about inputs without which nothing can be decided.
        unmeasured: for each recipe that could not be measured, why.
        champion: what the gate chose last; None before the first release.
        history: estimates of earlier nights.
        experiments: what experiments have shown up to tonight.
        listening: how much of the decision window served lists caused; None without recorded impressions.
        influence: for each name in `history.pairs`, shape (n_nights, len(PARTS), N_GROUPS), see `Earlier`.
    """

    recipes: tuple[str, ...]
    candidates: Mapping[str, Candidate]
    cells: Cells
    served_recipe: str | None
    served: Candidate | None
    faults: tuple[str, ...] = ()
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    champion: ChampionDefinition | None = None
    history: History = FIRST_NIGHT
    influence: Mapping[str, Floats] = field(default_factory=dict)
    experiments: tuple[ExperimentResult, ...] = ()
    listening: Listening | None = None

    def earlier(self, name: str) -> Earlier | None:
        """Return the earlier comparisons of a challenger, or of a name of the refresh lane; None if there were none."""
        nights, days = self.history.pairs.get(name, ()), self.history.days.get(name, {})
        if not nights and not days:
            return None
        influence = self.influence[name] if nights else np.zeros((0, len(PARTS), N_GROUPS))
        return Earlier(nights, influence, days)


def champion_of(tonight: Tonight) -> tuple[str, tuple[str, ...]]:
    """Return the recipe that challengers are compared with, and notes for the record if it is not the served recipe."""
    served = tonight.served_recipe
    if served is None:
        return POPULAR, ("no release is served yet: the popular list is the champion",)
    # A recipe served by an override has no proven gain, so challengers are compared with the gate's own choice.
    definition = tonight.champion
    champion = definition.recipe if definition is not None else tonight.history.champion or served
    notes = () if champion == served else (f"{served} is served, but not by the gate: {champion} is the champion",)
    if definition is not None and definition.frozen:
        note = f"the code of {champion} has changed: the model that is served stays the champion until it is beaten"
        return definition.name, (*notes, note)
    if definition is not None and definition.carried_as is not None:
        note = f"params.yaml has another {champion}, or none: the one that was chosen stays the champion"
        return definition.name, (*notes, f"{note} until it is beaten")
    if champion not in tonight.recipes:
        return POPULAR, (f"the champion {champion} is not in params.yaml: the popular list takes its place",)
    return champion, notes


def contrast(
    challenger: Candidate, champion: Candidate, cells: Cells, *, part: str = EVERYONE, earlier: Earlier | None = None
) -> Comparison:
    """Compare two candidates on all eligible listeners, or on a slice.

    The variances between fits and between days are always estimated from all listeners.

    Args:
        challenger: the one candidate.
        champion: the other.
        cells: the eligible listeners and the decision days.
        part: of `pipeline.gate.pooling.PARTS`, the listeners to compare on.
        earlier: comparisons of earlier nights to pool with.
    """
    return compare(
        challenger.sample,
        champion.sample,
        cells,
        challenger_seeds=challenger.seeds,
        champion_seeds=champion.seeds,
        earlier=earlier,
        part=part,
    )
