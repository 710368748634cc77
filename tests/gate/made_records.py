"""Decision records of made-up measurements, by the gate's own functions."""

from dataclasses import replace
from typing import Any

import numpy as np

from pipeline.gate.candidates import COVERAGE, TOP_SHARE
from pipeline.gate.days import DayDifference
from pipeline.gate.evidence import Arrays, Evidence, Measured, SliceFigures
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import PARTS, Cells, Means, PairNight
from pipeline.gate.record import Inputs, make_record
from pipeline.gate.record_model import ArrayFile
from pipeline.gate.spending import History
from pipeline.metrics.cost import Cost
from tests.gate.gate_stories import DAYS, economics, every_day, gate, night

N = 800
NAN = float("nan")
FIT = Cost(3.2, 2.0, model_bytes=2**20, energy_provenance="constant")
SCORING = Cost(0.4, 0.2, scored_per_second=3000.0)
METRICS = {"ndcg": 0.1, "recall": 0.2, "precision": 0.1, "hit_rate": NAN, "novelty": 9.0, "gini": NAN}
SLICES = {"light": SliceFigures(200, 0.08), "heavy": SliceFigures(200, NAN), "new": SliceFigures(0, NAN)}


def measured(family: str) -> Measured:
    metrics = {**METRICS, COVERAGE: 0.4, TOP_SHARE: 0.2}
    return Measured(family, family == "als", metrics, 0, 0.1, None, night(), FIT, SCORING, SLICES)


def arrays_of(means: dict[str, float], *, served: str | None = None, history: History | None = None) -> Arrays:
    rng = np.random.default_rng(3)
    arrays = {
        name: np.clip(mean + rng.normal(0, 0.03, (3 if name == "als" else 1, N)), 0, 1) for name, mean in means.items()
    }
    if served:
        arrays["served"] = arrays[served][:1]
    slices = {name: np.arange(N) % 3 == i for i, name in enumerate(("light", "heavy", "new"))}
    cells = Cells(DAYS, (np.arange(N) % N_GROUPS).astype(np.int16), slices)
    earlier = {
        name: rng.normal(0, 0.03, (len(nights), len(PARTS), N_GROUPS)) / N
        for name, nights in (history or History()).pairs.items()
    }
    return Arrays(arrays, {name: every_day(values) for name, values in arrays.items()}, cells, earlier)


def record(means: dict[str, float], **more: Any) -> dict[str, Any]:
    served, history = more.pop("served", None), more.pop("history", History())
    evidence = Evidence(
        tuple(means),
        {name: replace(measured(name), churn_since_served=0.3 if served else None) for name in means},
        served,
        replace(measured(served), night=None) if served else None,
        history,
        more.pop("faults", ()),
        experiments=more.pop("experiments", ()),
    )
    files = {name: ArrayFile(file=f"evaluation/{name}.parquet", bytes=9, sha256="ab" * 32) for name in means}
    inputs = Inputs("2026-02-12", 10, evidence, gate(), economics(**more), DAYS, files, {"rule": "cd" * 32})
    return make_record(inputs, arrays_of(means, served=served, history=history))


def before(*days: int) -> tuple[PairNight, ...]:
    """Earlier nights of item_knn and als."""
    means = {part: Means(N, 0.2, 0.2005) for part in PARTS}
    return tuple(
        PairNight(f"2026-02-{day:02}", means, {f"2026-02-{day:02}": DayDifference(5e-4, 0.2, 1e-6)}, 3, 1)
        for day in days
    )


FULL = {"popular": 0.1, "als": 0.2, "item_knn": 0.19}
"""Means of a night on which als is promoted."""
