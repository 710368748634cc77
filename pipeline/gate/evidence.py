"""The inputs of a decision: together with the per-listener arrays, everything needed to make it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.comparison import EarlierSeeds, seed_variance, variance_components
from pipeline.gate.economics import NightCost
from pipeline.gate.spending import History
from pipeline.json_values import Number, as_json
from pipeline.metrics.cost import Cost

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SERVED = "served"
"""Name of the served model among arrays and files."""
EARLIER = "earlier"
"""Name of the table of earlier comparisons among the files."""


class Arrays(NamedTuple):
    """Inputs of a decision that have a value for each listener.

    Attributes:
        ndcg: for each measured recipe, and for SERVED: shape (n_fits, n_eligible).
        slices: for each slice, bool of shape (n_eligible,).
        influence: for each challenger with earlier comparisons, see `pipeline.gate.pooling.Earlier`.
    """

    ndcg: Mapping[str, Floats]
    slices: Mapping[str, Bools]
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
    """What could not be read."""


def tonight_of(evidence: Evidence, arrays: Arrays) -> Tonight:
    """Return the inputs of the decision, built from the evidence and its arrays."""
    candidates = {
        name: _candidate(name, measured, arrays.ndcg[name], evidence.history.earlier(name))
        for name, measured in evidence.measured.items()
    }
    served = None
    if evidence.served is not None and evidence.served_recipe in candidates:
        tonights = candidates[evidence.served_recipe]
        # Seed variance cannot be estimated from one fit, so it comes from tonight's fits of the same recipe.
        lone = _candidate(evidence.served_recipe, evidence.served, arrays.ndcg[SERVED], ())
        served = replace(lone, seeds=tonights.seeds)
    return Tonight(
        recipes=evidence.recipes,
        candidates=candidates,
        slices=arrays.slices,
        served_recipe=evidence.served_recipe,
        served=served,
        faults=evidence.faults,
        history=evidence.history,
        influence=arrays.influence,
    )


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


def _candidate(name: str, measured: Measured, ndcg: Floats, earlier: tuple[EarlierSeeds, ...]) -> Candidate:
    return Candidate(
        recipe=name,
        family=measured.family,
        ndcg=ndcg,
        seeds=seed_variance(ndcg, deterministic=not measured.stochastic, earlier=earlier),
        metrics=measured.metrics,
        n_invalid_lists=measured.n_invalid_lists,
        churn_between_fits=measured.churn_between_fits,
        churn_since_served=measured.churn_since_served,
        night=measured.night,
    )
