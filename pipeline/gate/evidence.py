"""The inputs of a decision: together with the per-listener arrays, everything needed to make it again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.champion import ChampionDefinition
from pipeline.gate.comparison import EarlierSeeds, SeedVariance, seed_variance, variance_components
from pipeline.gate.economics import ContentFigures, NightCost
from pipeline.gate.listening import Listening
from pipeline.gate.pooling import Cells
from pipeline.gate.spending import History
from pipeline.json_values import LEFT_OUT, Number, as_json
from pipeline.metrics.cost import Cost
from pipeline.online.results import ExperimentResult

Floats = npt.NDArray[np.float64]
SERVED = "served"
"""Name of the served model among arrays and files."""
EARLIER = "earlier"
"""Name of the table of earlier comparisons among the files."""


class Arrays(NamedTuple):
    """Inputs of a decision that have a value for each listener.

    Attributes:
        ndcg: for each measured recipe, and for SERVED: shape (n_fits, n_eligible).
        daily: for each of them, shape (n_days, n_eligible), each day's part of it, averaged over fits.
        cells: the eligible listeners and the decision days.
        influence: for each name with earlier comparisons, see `pipeline.gate.pooling.Earlier`.
    """

    ndcg: Mapping[str, Floats]
    daily: Mapping[str, Floats]
    cells: Cells
    influence: Mapping[str, Floats]


@dataclass(frozen=True)
class SliceFigures:
    """A recipe's accuracy in a slice of listeners; shown, and decides nothing."""

    n: int
    """Eligible listeners in the slice."""
    ndcg: Number
    """Mean NDCG@k over them."""


@dataclass(frozen=True)
class Measured:
    """One recipe's figures that are not per listener."""

    family: str
    stochastic: bool
    """Whether another seed gives another model."""
    metrics: Mapping[str, Number]
    """For each metric, its mean over listeners and fits; null where it is undefined."""
    n_invalid_lists: int
    """Invalid lists of all its fits."""
    churn_between_fits: Number
    """Share of a list [0, 1] that another seed would replace; null where a single fit cannot tell."""
    churn_since_served: float | None
    """Share of a list [0, 1] that is not in the served model's; null where nothing is served."""
    night: NightCost | None
    """Cost of a night; null for the served model, whose fit was paid for in another night."""
    fit: Cost | None = None
    """Mean cost of a fit; shown, and decides nothing."""
    scoring: Cost | None = None
    """Mean cost of scoring all listeners; shown, and decides nothing."""
    slices: Mapping[str, SliceFigures] = field(default_factory=dict)
    """Accuracy by slice of listeners."""
    content: ContentFigures | None = field(default=None, metadata=LEFT_OUT)
    """Royalties of a play from its lists; left out where no item has a price of its own."""


@dataclass(frozen=True)
class Evidence:
    """Inputs of a decision, without the arrays."""

    recipes: tuple[str, ...]
    """Names of the recipes of params.yaml."""
    measured: Mapping[str, Measured]
    """What was measured of each; one that is missing has a fault."""
    served_recipe: str | None
    """Recipe of the release that was served before tonight."""
    served: Measured | None
    """What was measured of its model; None without one."""
    history: History
    """What earlier nights leave to this one."""
    faults: tuple[str, ...] = ()
    """What could not be read, without which nothing can be decided."""
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """For each recipe that could not be measured, and for `served`, why."""
    champion: ChampionDefinition | None = None
    """What the gate chose last; None before the first release."""
    experiments: tuple[ExperimentResult, ...] = field(default=(), metadata=LEFT_OUT)
    """What experiments have shown up to tonight; left out without any."""
    listening: Listening | None = field(default=None, metadata=LEFT_OUT)
    """How much of the decision window served lists caused; left out without recorded impressions."""


def tonight_of(evidence: Evidence, arrays: Arrays) -> Tonight:
    """Return the inputs of the decision, built from the evidence and its arrays."""
    candidates = {
        name: _candidate(name, measured, arrays, evidence.history.earlier(name))
        for name, measured in evidence.measured.items()
    }
    served = None
    if evidence.served is not None and evidence.served_recipe is not None:
        lone = _candidate(SERVED, evidence.served, arrays, evidence.history.earlier(evidence.served_recipe))
        served = replace(lone, recipe=evidence.served_recipe, seeds=_seeds_of_served(evidence, candidates, lone))
    recipes, champion = evidence.recipes, evidence.champion
    if champion is not None and champion.frozen and served is not None:
        candidates[champion.name] = replace(served, recipe=champion.name, night=evidence.history.champion_night)
        recipes = (*recipes, champion.name)
    return Tonight(
        recipes=recipes,
        candidates=candidates,
        cells=arrays.cells,
        served_recipe=evidence.served_recipe,
        served=served,
        faults=evidence.faults,
        unmeasured=evidence.unmeasured,
        champion=champion,
        history=evidence.history,
        influence=arrays.influence,
        experiments=evidence.experiments,
        listening=evidence.listening,
    )


def _seeds_of_served(evidence: Evidence, candidates: Mapping[str, Candidate], lone: Candidate) -> SeedVariance:
    """Return ŝ² of the served model. One fit shows none, so it comes from fits of the same recipe: tonight's, else
    those of earlier nights, else from the recipe whose fits vary most."""
    carried = None if evidence.champion is None else evidence.champion.carried_as
    for name in (carried, evidence.served_recipe):
        if name is not None and name in candidates:
            return candidates[name].seeds
    if math.isfinite(lone.seeds.value):
        return lone.seeds
    known = [each.seeds for each in candidates.values() if math.isfinite(each.seeds.value)]
    return max(known, key=lambda seeds: seeds.value, default=lone.seeds)


def history_from(document: Mapping[str, Any]) -> History:
    """Return a history from JSON.

    Raises:
        ValueError: something is missing or mistyped.
    """
    return _history_reader().validate_python(document)


@cache
def _history_reader() -> TypeAdapter[History]:
    return TypeAdapter(History)


def tonights_seeds(tonight: Tonight) -> dict[str, dict[str, float]]:
    """Return, for the ledger, the variance between tonight's fits of each stochastic recipe, see `EarlierSeeds`."""
    found = {}
    for name, candidate in tonight.candidates.items():
        stochastic, n_fits = candidate.seeds.df < np.inf, len(candidate.ndcg)
        square = float(candidate.ndcg.mean()) ** 2 if candidate.ndcg.size else 0.0
        if stochastic and n_fits > 1 and square > 0:
            value, of_means = variance_components(candidate.ndcg)
            found[name] = as_json(EarlierSeeds(value / square, n_fits - 1.0, of_means / square))
    return found


def _candidate(name: str, measured: Measured, arrays: Arrays, earlier: tuple[EarlierSeeds, ...]) -> Candidate:
    ndcg = arrays.ndcg[name]
    return Candidate(
        recipe=name,
        family=measured.family,
        ndcg=ndcg,
        daily=arrays.daily[name],
        seeds=seed_variance(ndcg, deterministic=not measured.stochastic, earlier=earlier),
        metrics=measured.metrics,
        n_invalid_lists=measured.n_invalid_lists,
        churn_between_fits=measured.churn_between_fits,
        churn_since_served=measured.churn_since_served,
        night=measured.night,
        content=measured.content,
    )
