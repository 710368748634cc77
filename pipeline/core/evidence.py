"""What a decision rests on, as JSON: with the per-listener arrays beside it, all that is needed to decide again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.core.candidates import Candidate, Tonight
from pipeline.core.comparison import EarlierSeeds, seed_variance, variance_components
from pipeline.core.economics import NightCost
from pipeline.core.records import as_json
from pipeline.core.spending import History, Override

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
SERVED = "served"
"""Name of the served model among the arrays."""


@dataclass(frozen=True)
class Measured:
    """One recipe's figures that are not per listener.

    Attributes:
        coverage, top_share, n_invalid_lists, night: see `Candidate`.
        stochastic: whether another seed gives another model.
        qualities: figures that are shown, and decide nothing.
    """

    family: str
    stochastic: bool
    coverage: float
    top_share: float
    n_invalid_lists: int
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


def tonight_of(evidence: Evidence, arrays: Mapping[str, Floats], slices: Mapping[str, Bools]) -> Tonight:
    """What the gate decides on.

    Args:
        evidence: the figures.
        arrays: for each measured recipe, and SERVED: NDCG of shape (n_fits, n_eligible).
        slices: for each slice, bool of shape (n_eligible,).
    """
    candidates = {
        name: _candidate(name, measured, arrays[name], evidence.history.earlier(name))
        for name, measured in evidence.measured.items()
    }
    served = None
    if evidence.served is not None and evidence.served_recipe in candidates:
        tonights = candidates[evidence.served_recipe]
        # One fit cannot tell how its luck varies: that is taken from tonight's fits of the same recipe.
        lone = _candidate(evidence.served_recipe, evidence.served, arrays[SERVED], ())
        served = Candidate(**{**vars(lone), "seeds": tonights.seeds})
    return Tonight(
        evidence.recipes, candidates, slices, evidence.served_recipe, served, evidence.faults, evidence.history
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
    return History(int(raw["look"]), raw["champion"], seeds, override)


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
        night=measured.night,
    )


def _measured_from(raw: Mapping[str, Any]) -> Measured:
    night = None if raw["night"] is None else NightCost(**raw["night"])
    return Measured(**{**raw, "night": night})
