"""Made-up nights for the gate, with numbers that can be worked out by hand."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.configuration import Params, load_params
from pipeline.gate.candidates import COVERAGE, TOP_SHARE, Candidate, Tonight
from pipeline.gate.comparison import DETERMINISTIC, Comparison
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import Cells
from pipeline.params.economics import EconomicsParams
from pipeline.params.gate import GateParams

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
N = 1000
DAYS = tuple(f"2026-02-{day:02d}" for day in range(5, 12))


def gate(**changes: Any) -> GateParams:
    return PARAMS.gate.model_copy(update=changes)


def economics(**changes: Any) -> EconomicsParams:
    return PARAMS.economics.model_copy(update={"listeners": 20000, "margin_per_listener_day": 0.05} | changes)


def params(**changes: Any) -> Params:
    return PARAMS.model_copy(update=changes)


def night(**changes: Any) -> NightCost:
    figures: dict[str, Any] = {
        "cpu_seconds": 36.0,
        "batch_seconds": 36.0,
        "memory_gib_seconds": 36.0,
        "peak_rss_bytes": 2.0**30,
        "model_bytes": 2.0**20,
        "energy_kwh": 0.001,
        "n_listeners": 20000,
    }
    return NightCost(**(figures | changes))


def candidate(recipe: str, mean: float, *, family: str | None = None, seed: int = 0, **changes: Any) -> Candidate:
    """NDCG around `mean` with a spread of ± 0.01 over listeners that cancels in pairs, the same on each day."""
    spread = np.where(np.arange(N) % 2 == 0, 0.01, -0.01)
    figures: dict[str, Any] = {
        "recipe": recipe,
        "family": family or recipe,
        "ndcg": np.array([mean + np.roll(spread, seed)]),
        "seeds": DETERMINISTIC,
        "metrics": {COVERAGE: changes.pop("coverage", 0.5), TOP_SHARE: changes.pop("top_share", 0.4)},
        "n_invalid_lists": 0,
        "night": night(),
    }
    figures |= changes
    return Candidate(**({"daily": every_day(figures["ndcg"])} | figures))


def every_day(ndcg: Any) -> Any:
    """The same part of NDCG on each day."""
    return np.tile(ndcg.mean(axis=0) / len(DAYS), (len(DAYS), 1)) if np.ndim(ndcg) == 2 else np.zeros((len(DAYS), 0))


def cells(n: int = N, **slices: Any) -> Cells:
    """Listeners of a group each, all of them in every slice that is not given."""
    everyone = np.ones(n, dtype=np.bool_)
    return Cells(DAYS, np.arange(n, dtype=np.int16), {"light": everyone, "heavy": everyone, "new": everyone} | slices)


def relative(gain: float, se: float) -> Comparison:
    """A relative gain over a champion of .1, and its relative standard error."""
    return Comparison(
        n=N, n_looks=1, champion_mean=0.1, challenger_mean=0.1 * (1 + gain), delta=0.1 * gain,
        se=0.1 * se, se_listeners=0.1 * se, se_fits=0.0, df=math.inf,
    )  # fmt: skip


def tonight(*candidates: Candidate, **changes: Any) -> Tonight:
    figures: dict[str, Any] = {
        "recipes": tuple(c.recipe for c in candidates),
        "candidates": {c.recipe: c for c in candidates},
        "cells": cells(),
        "served_recipe": None,
        "served": None,
    }
    return Tonight(**(figures | changes))
