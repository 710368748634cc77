"""`netgain calibrate`: tests every property of the decision rule against its target, on real refits."""

import os
import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from typing import Any

import numpy as np

from pipeline.calibration import proofs_of_error, proofs_of_power, proofs_of_serving
from pipeline.calibration.clocks import Rule
from pipeline.calibration.fitting import refits
from pipeline.calibration.proof import OTHER, SAME, Ground, Make
from pipeline.calibration.refits import Refits, Say, Size
from pipeline.calibration.windows import lengths
from pipeline.configuration import load_params
from pipeline.json_values import as_json
from pipeline.settings import Settings

SIZE = Size(n_listeners=21_500, n_days=28, n_seeds=6, dates=(0, 1, 3, 7, 14, 21))
"""Large enough for 20,000 eligible listeners; dates from a night to three weeks apart."""

NULLS = (SAME, ("blend", "blend"), OTHER, ("als", "item_knn"))
"""Pairs with a challenger that is no better: every stochastic recipe against itself, and different families."""


def calibrate(settings: Settings, say: Say, *, size: Size = SIZE, scale: float = 1.0) -> dict[str, Any]:
    """Run all proofs of the gate.

    Args:
        settings: of the project, whose params.yaml is tested.
        say: called with a line for each step.
        size: how much is fitted.
        scale: multiplies the numbers of repetitions; 1 for the published figures.

    Returns:
        JSON-able: `proofs`, each as `pipeline.calibration.proof.proof` returns it; `refits` (n_listeners, mean_ndcg,
        n_fits, dates); `windows`, the standard errors with decision windows of other lengths; `gate`, its parameters.
    """
    params = load_params(settings.workspace / "params.yaml")
    found = refits(settings, size, say)
    ground = Ground(found, Rule(params.gate, params.economics), scale)
    proofs = []
    # One process a core: a proof is a long loop of nights, and the proofs are independent.
    with ProcessPoolExecutor(max_workers=os.cpu_count(), mp_context=get_context("spawn")) as processes:
        for each in processes.map(_prove, makers(found), repeat(ground)):
            mark = "met   " if each["met"] else "BOUND " if each["limited"] else "NOT MET"
            say(f"{mark} {each['property']}: {each['summary']}" + (f" ({each['bound']})" if each["bound"] else ""))
            proofs.append(each)
    return {
        "refits": {
            "n_listeners": found.n_listeners,
            "dates": list(found.dates),
            "mean_ndcg": {name: found.mean(name) for name in found.daily},
            "n_fits": {name: len(each) for name, each in found.daily.items()},
        },
        "windows": as_json(lengths(found, [SAME, ("als", "item_knn"), OTHER], k=params.gate.seeds)),
        "gate": params.gate.model_dump(),
        "proofs": proofs,
    }


def makers(found: Refits) -> list[Make]:
    """Return the proofs, the longest first."""
    nulls = [pair for pair in NULLS if set(pair) <= set(found.daily)]
    return [
        *(partial(proofs_of_error.error_rates, pair) for pair in nulls),
        proofs_of_power.power_as_shipped,
        proofs_of_power.power_with_shocks,
        proofs_of_power.entering_late,
        proofs_of_power.intervals,
        proofs_of_power.drawn_nights,
        proofs_of_power.worth,
        proofs_of_serving.nights_of_bad_data,
        proofs_of_serving.decay,
        proofs_of_serving.good_refreshes,
        proofs_of_error.experiments,
        proofs_of_error.poor_fits,
        proofs_of_error.gone_gain,
        proofs_of_serving.slice_guards,
        proofs_of_serving.flip_prices,
        proofs_of_serving.mutants,
        *([proofs_of_serving.netflix_case] if "blend" in found.daily else []),
    ]


def _prove(make: Make, ground: Ground) -> dict[str, Any]:
    name = make.func.__name__ + str(make.args) if isinstance(make, partial) else make.__name__
    made: dict[str, Any] = as_json(make(ground, np.random.default_rng(zlib.crc32(name.encode()))))
    return made
