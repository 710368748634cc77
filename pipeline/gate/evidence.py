"""What a decision rests on, as JSON: with the per-listener arrays beside it, all that is needed to decide again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.comparison import EarlierSeeds, seed_variance, variance_components
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import EarlierLooks
from pipeline.gate.spending import History, Override
from pipeline.json_values import as_json

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SERVED = "served"
"""Name of the served model among the arrays."""
EARLIER = "earlier"
"""Name of what earlier looks left among the files of arrays."""


class Arrays(NamedTuple):
    """What a decision rests on that has a value for each listener.

    Attributes:
        ndcg: for each measured recipe, and SERVED: shape (n_fits, n_eligible).
        slices: for each slice, bool of shape (n_eligible,).
        influence: for each challenger with earlier looks, see `pipeline.gate.pooling.Earlier`.
    """

    ndcg: Mapping[str, Floats]
    slices: Mapping[str, Bools]
    influence: Mapping[str, Floats]


@dataclass(frozen=True)
class Measured:
    """One recipe's figures that are not per listener.

    Attributes:
        coverage, top_share, n_invalid_lists, churn_between_fits, churn_since_served, night: see `Candidate`.
        stochastic: whether another seed gives another model.
        qualities: figures that are shown, and decide nothing.
    """

    family: str
    stochastic: bool
    coverage: float
    top_share: float
    n_invalid_lists: int
    churn_between_fits: float
    churn_since_served: float | None
    night: NightCost | None
    qualities: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Evidence:
    """What a decision rests on, but for the arrays.

    Attributes:
        recipes: names of the recipes of params.yaml.
        measured: what was measured of each; one that is missing has a fault.
        served_recipe: recipe of the release that was served before tonight.
        served: what was measured of its model; None without one.
        history: what earlier nights leave to this one.
        faults: what could not be read.
    """

    recipes: tuple[str, ...]
    measured: Mapping[str, Measured]
    served_recipe: str | None
    served: Measured | None
    history: History
    faults: tuple[str, ...] = ()


def tonight_of(evidence: Evidence, arrays: Arrays) -> Tonight:
    """What the gate decides on."""
    candidates = {
        name: _candidate(name, measured, arrays.ndcg[name], evidence.history.earlier(name))
        for name, measured in evidence.measured.items()
    }
    served = None
    if evidence.served is not None and evidence.served_recipe in candidates:
        tonights = candidates[evidence.served_recipe]
        # One fit cannot tell how its luck varies: that is taken from tonight's fits of the same recipe.
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


def evidence_from(raw: Mapping[str, Any]) -> Evidence:
    """Evidence as `as_json` wrote it.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or is something else.
    """
    return Evidence(
        recipes=tuple(raw["recipes"]),
        measured={name: _measured_from(each) for name, each in raw["measured"].items()},
        served_recipe=raw["served_recipe"],
        served=None if raw["served"] is None else _measured_from(raw["served"]),
        history=history_from(raw["history"]),
        faults=tuple(raw["faults"]),
    )


def history_from(raw: Mapping[str, Any]) -> History:
    """A history as `as_json` wrote it.

    Raises:
        KeyError, TypeError, ValueError: something is missing, or is something else.
    """
    seeds = {name: tuple(EarlierSeeds(**each) for each in nights) for name, nights in (raw["seeds"] or {}).items()}
    override = None if raw["override"] is None else Override(**raw["override"])
    pairs = {name: EarlierLooks(**looks) for name, looks in (raw["pairs"] or {}).items()}
    return History(int(raw["look"]), raw["champion"], seeds, override, pairs)


def tonights_seeds(tonight: Tonight) -> dict[str, dict[str, float]]:
    """For the ledger: what tonight's fits of each stochastic recipe say about how it varies (see `EarlierSeeds`)."""
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
        coverage=measured.coverage,
        top_share=measured.top_share,
        n_invalid_lists=measured.n_invalid_lists,
        churn_between_fits=measured.churn_between_fits,
        churn_since_served=measured.churn_since_served,
        night=measured.night,
    )


def _measured_from(raw: Mapping[str, Any]) -> Measured:
    night = None if raw["night"] is None else NightCost(**raw["night"])
    churn = math.nan if raw["churn_between_fits"] is None else float(raw["churn_between_fits"])
    return Measured(**{**raw, "night": night, "churn_between_fits": churn})
