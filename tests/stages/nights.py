"""A whole night's outputs, planted: small files of the shapes that the stages write."""

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import yaml

from pipeline.configuration import load_params
from pipeline.json_values import as_json
from pipeline.metrics.cost import Cost
from pipeline.settings import load_settings
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.storage.tables import (
    FALLBACK,
    INTERACTIONS,
    ITEM_MAP,
    LISTENER_MAP,
    LISTS,
    write_json,
    write_table,
)

PARAMS = Path(__file__).parents[2] / "params.yaml"
ACCURACY = {"popular": 0.05, "item_knn": 0.09, "rp3beta": 0.095, "als": 0.11, "spark_als": 0.1, "blend": 0.112}
CPU_SECONDS = {"popular": 0.02, "item_knn": 0.4, "rp3beta": 0.6, "als": 3.2, "spark_als": 21.0, "blend": 8.0}
SLICES = {"light": 0.9, "heavy": 1.1, "new": 0.7}
MIB = 2**20


def plant_night(
    root: Path,
    as_of: str = "2026-02-12",
    *,
    verdict: str = "PROMOTE",
    champion: str = "popular",
    served: str = "als",
    source: str = "refit",
    model: str = "weights",
    undefined: bool = False,
) -> Context:
    """Everything up to the audit; `model` tells one served model from another, `undefined` leaves no accuracy."""
    layout = Layout(root)
    layout.params.write_text(PARAMS.read_text(encoding="utf-8"), encoding="utf-8")
    layout.night.parent.mkdir(parents=True, exist_ok=True)
    layout.night.write_text(yaml.safe_dump({"as_of": as_of}), encoding="utf-8")
    context = Context(
        load_params(layout.params), dt.date.fromisoformat(as_of), layout, load_settings({}, workspace=root)
    )
    _plant_reports(layout, as_of)
    for folder in (layout.train, layout.window):
        _plant_tables(folder)
    for recipe, accuracy in ACCURACY.items():
        _plant_recipe(layout, recipe, None if undefined else accuracy)
    write_json(layout.decision, decision_of(context, verdict, champion, served, source))
    layout.decision_page.write_text("<!doctype html>\n", encoding="utf-8")
    for folder in (layout.final_model, layout.served / "model"):
        write_json(folder / "model.json", {"family": served, "params": {}, "content": model})
    identity = {"release": "r-0", "recipe": served, "family": served, "as_of": "2026-02-11", "definition": "0" * 16}
    write_json(layout.served / "served.json", identity)
    write_json(layout.refit_cost, {"fits": [_cost(CPU_SECONDS[served], MIB) | {"seed": 0}]})
    write_json(layout.recommend_cost, Cost(0.5, 0.5, n_scored=2, scored_per_second=4.0).to_dict())
    rows = [{"item_id": i, "item_name": i.upper(), "score": 1.0, "reason": f"night {as_of}"} for i in ("a", "b")]
    lists = [{"listener_id": u, "rank": n, **row} for u in ("u", "v") for n, row in enumerate(rows, start=1)]
    write_table(layout.lists, pa.Table.from_pylist(lists, schema=LISTS), LISTS)
    fallback = [{"rank": n, **row} for n, row in enumerate(rows, start=1)]
    write_table(layout.fallback, pa.Table.from_pylist(fallback, schema=FALLBACK), FALLBACK)
    write_json(layout.audit_report, {"suites": [{"name": "lists", "success": True}], "n_lists": 2, "n_short": 0})
    return context


def decision_of(context: Context, verdict: str, champion: str, served: str, source: str) -> dict[str, Any]:
    """decision.json, as the stage decide writes it."""
    challengers = [] if verdict == "INVALID" else [_upgrade(r, champion, served) for r in ACCURACY if r != champion]
    sentences = {
        "PROMOTE": f"PROMOTED {served} over {champion}: 120.0 % better in NDCG@20 (95 % interval 105.0 to 135.0 %).",
        "KEEP": f"KEPT {champion}. als is 2.0 % better, but a gain of 0.5 % is not proven.",
        "INVALID": "INVALID: 6 listeners can be scored, 500 are needed; the popular list is kept.",
    }
    return {
        "schema": 2,
        "as_of": context.as_of.isoformat(),
        "metric": "ndcg_at_20",
        "verdict": verdict,
        "sentence": sentences[verdict],
        "champion": champion,
        "challenger": None if verdict == "INVALID" else "als",
        "serve": {"source": source, "recipe": served},
        "n_eligible": 1234,
        "faults": ["6 listeners can be scored, 500 are needed"] if verdict == "INVALID" else [],
        "notes": [],
        "challengers": challengers,
        "assumptions": context.params.economics.model_dump(),
    }


def _upgrade(recipe: str, champion: str, served: str) -> dict[str, Any]:
    delta = ACCURACY[recipe] - ACCURACY[champion]
    return {
        "recipe": recipe,
        "family": recipe,
        "verdict": "PROMOTE" if recipe == served else "KEEP",
        "comparison": {"champion_mean": ACCURACY[champion], "delta": delta},
        "interval": [delta - 0.004, delta + 0.004],
        "lower_bound": delta - 0.0035,
        "cost_total": 40 * CPU_SECONDS[recipe],
        "balance": {"outlook": {"mean": 1000 * delta - 40 * CPU_SECONDS[recipe]}},
        "gates": [
            {"name": "coverage", "value": 1.4, "bound": 0.95, "margin": 0.45, "passed": True},
            {"name": "slice_new", "value": None, "bound": -0.03, "margin": None, "passed": None},
        ],
    }


def _plant_reports(layout: Layout, as_of: str) -> None:
    files = [{"path": "plays.jsonl.gz", "bytes": 9, "sha256": as_of}]
    write_json(layout.landing, {"format": "netgain", "root": "landing", "files": files})
    counts = {"read": 1000, "accepted": 970, "duplicate": 20, "quarantined": 10, "replayed": 0}
    write_json(layout.ingest_report, {"format": "netgain", **counts, "reasons": {}, "files": []})
    write_json(layout.validation_report, {"success": True})
    write_json(layout.interactions_report, {"success": True})


def _plant_tables(folder: Path) -> None:
    day = dt.date(2026, 1, 1)
    listeners = {"listener_id": ["u", "v"], "n_plays": [2, 1], "first_day": [day, day]}
    write_table(folder / "listeners.parquet", pa.table(listeners), LISTENER_MAP)
    items = {"item_id": ["a", "b"], "item_name": ["A", "B"], "n_listeners": [2, 1]}
    write_table(folder / "items.parquet", pa.table(items), ITEM_MAP)
    pairs = {"listener_idx": [0, 1], "item_idx": [0, 1], "weight": [1, 1], "n_plays": [1, 1], "age_days": [0, 0]}
    write_table(folder / "interactions.parquet", pa.table(pairs), INTERACTIONS)


def _plant_recipe(layout: Layout, recipe: str, accuracy: float | None) -> None:
    names = ("ndcg", "recall", "precision", "average_precision", "reciprocal_rank", "hit")
    wobble = np.array([-0.002, 0, 0.002]) if recipe.endswith("als") else np.zeros(1)
    means = {f"{name}_at_20": accuracy if accuracy is None else accuracy + n / 50 for n, name in enumerate(names)}
    seeds = [accuracy if accuracy is None else accuracy + each for each in wobble]
    slices = {
        name: {"n": 300, "ndcg_at_20": accuracy if accuracy is None else accuracy * share}
        for name, share in SLICES.items()
    }
    catalogue = {"catalogue_coverage": 0.4, "novelty": 9.5, "gini": 0.8, "top_1_percent_share": 0.2}
    figures = {"n_eligible": 1234, "n_fits": len(wobble), "invalid_lists": 0}
    write_json(
        layout.metrics(recipe),
        as_json({**means, **catalogue, **figures, "seeds": {"ndcg_at_20": seeds}, "slices": slices}),
    )
    fits = [_cost(CPU_SECONDS[recipe], 2 * MIB) | {"seed": seed} for seed in range(len(wobble))]
    write_json(layout.fit_cost(recipe), {"recipe": recipe, "family": recipe, "fits": fits})
    scoring = Cost(0.5, 0.5, 200 * MIB, None, 1e-5, "estimated", 1500, 3000.0).to_dict()
    write_json(layout.score_cost(recipe), {"recipe": recipe, "family": recipe, "scorings": [scoring] * len(wobble)})
    write_json(layout.model(recipe) / "seed-0" / "model.json", {"family": recipe, "params": {}})


def _cost(cpu_seconds: float, model_bytes: int) -> dict[str, Any]:
    return Cost(cpu_seconds, cpu_seconds / 1.5, 300 * MIB, model_bytes, 1e-5, "estimated").to_dict()
