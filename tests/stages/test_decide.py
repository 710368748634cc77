"""The stage decide on the files that the stages before it write."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from scipy.stats import norm

from pipeline.gate.spending import analysis_alpha
from pipeline.metrics.cost import Cost
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.recommenders.registry import FAMILIES
from pipeline.stages import decide
from pipeline.stages.context import Context
from pipeline.stages.evaluate_served import nothing_served
from pipeline.stages.layout import Layout
from pipeline.storage.daily_credit import write_daily
from pipeline.storage.evaluation_table import EVALUATION
from pipeline.storage.tables import RECOMMENDATIONS, read_json, write_json, write_table
from tests.stages import small_night

SCHEMA = json.loads((Path(__file__).parents[2] / "docs/reference/decision.schema.json").read_text(encoding="utf-8"))
N = 600
MEANS = {"popular": 0.10, "item_knn": 0.13, "rp3beta": 0.14, "als": 0.20, "spark_als": 0.12, "blend": 0.15}
FIGURES = {"catalogue_coverage": 0.3, "top_1_percent_share": 0.5, "invalid_lists": 0}


def write_recommendations(path: Path, n: int = N, last: str = "c") -> None:
    columns = {"listener_id": [f"l{i:04}" for i in range(n)], "item_ids": [["a", "b", last]] * n}
    write_table(path, pa.table(columns), RECOMMENDATIONS)


def write_evaluation(path: Path, mean: float, n_fits: int, n: int = N) -> None:
    spread = np.where(np.arange(n) % 2 == 0, 0.02, -0.02)
    names = [f"l{i:04}" for i in range(n)]
    columns: dict[str, Any] = {
        "seed": np.repeat(np.arange(n_fits, dtype=np.int32), n),
        "listener_id": names * n_fits,
        "n_relevant": np.ones(n * n_fits, dtype=np.int32),
    }
    values = np.concatenate([mean + 1e-4 * fit + spread for fit in range(n_fits)])
    columns |= {metric.name: values for metric in listener_metrics()}
    thirds = np.tile(np.arange(n) % 3, n_fits)
    columns |= {f"slice_{s}": thirds == i for i, s in enumerate(("light", "heavy", "new"))}
    write_table(path, pa.table(columns), EVALUATION)
    means = values.reshape(n_fits, n).mean(axis=0) if n else values
    window = [dt.date(2026, 3, 1) + dt.timedelta(days=each) for each in range(7)]
    by_day = sp.csr_matrix(np.tile(means[:, None] / 7, (1, 7)))
    write_daily(path.with_suffix(".days.parquet"), pa.chunked_array([pa.array(names, pa.string())]), window, by_day)


def write_recipe(context: Context, recipe: str, mean: float, n: int = N) -> None:
    layout, family = context.layout, context.params.recipes[recipe].family
    n_fits = 3 if FAMILIES[family].stochastic else 1
    write_evaluation(layout.evaluation(recipe), mean, n_fits, n)
    write_json(layout.metrics(recipe), FIGURES | {"churn_between_fits": 0.1})
    write_recommendations(layout.recommendations(recipe), n)
    fit = Cost(20.0, 10.0, 2**29, 2**20, 0.001, "constant").to_dict()
    scoring = Cost(2.0, 1.0, 2**29, None, 0.0001, "constant", n, 600.0).to_dict()
    identity = {"recipe": recipe, "family": family}
    write_json(layout.fit_cost(recipe), identity | {"fits": [fit | {"seed": s} for s in range(n_fits)]})
    write_json(layout.score_cost(recipe), identity | {"scorings": [scoring | {"seed": s} for s in range(n_fits)]})


def open_night(root: Path, *, n: int = N, served: str | None = None) -> Context:
    context = small_night.context(root, k=10)
    small_night.open_first(root)
    for recipe, mean in MEANS.items():
        write_recipe(context, recipe, mean, n)
    layout = context.layout
    if served is None:
        small_night.serve_nothing(root)
        nothing_served(context)
        return context
    identity = {"release": "r-1", "recipe": served, "family": served}
    write_json(layout.served / "served.json", identity | {"as_of": "2026-03-07"})
    write_evaluation(layout.evaluation("served"), MEANS.get(served, 0.1), 1, n)
    write_json(layout.metrics("served"), FIGURES | identity)
    write_recommendations(layout.recommendations("served"), n)
    return context


def decided(context: Context) -> dict[str, Any]:
    text = decide.run(context)
    record: dict[str, Any] = read_json(context.layout.decision)
    assert record["sentence"] == text
    jsonschema.validate(record, SCHEMA)
    return record


def test_a_first_night_promotes_what_pays_over_the_popular_list(tmp_path: Path) -> None:
    record = decided(open_night(tmp_path))
    assert record["schema"] == 5
    assert record["as_of"] == "2026-03-08"
    assert record["metric"] == "ndcg_at_10"
    assert record["verdict"] == "PROMOTE"
    assert record["champion"] == "popular"
    assert record["challenger"] == "als"
    assert record["serve"] == {"source": "refit", "recipe": "als"}
    assert record["lanes"]["refresh"] is None
    alpha = pytest.approx(analysis_alpha(0.05, 10))
    assert record["lanes"]["upgrade"] == {
        "verdict": "PROMOTE", "quarter": "2026-Q1", "alpha": alpha, "n_challengers": 5, "n_analysed": 5
    }  # fmt: skip
    als = next(c for c in record["challengers"] if c["recipe"] == "als")
    assert als["clock"] == {"status": "running", "analysis": 1, "until": None}
    assert als["boundary"] == pytest.approx(norm.isf(0.05 / 280))
    assert als["comparison"]["n"] == N
    assert als["comparison"]["delta"] == pytest.approx(0.20 + 1e-4 - 0.10)
    # The means of the fits are .2, .2001, .2002: ŝ² is 1e-8, and the popular list does not vary.
    assert als["comparison"]["se_fits"] == pytest.approx((1e-8 / 3) ** 0.5)
    assert all(g["passed"] is not False for g in als["gates"])
    assert record["assumptions"]["elasticity"] == {"median": 0.05, "low": 0.01, "high": 0.25, "provenance": "published"}


def test_the_served_recipe_is_refreshed_and_others_have_to_beat_it(tmp_path: Path) -> None:
    record = decided(open_night(tmp_path, served="als"))
    assert record["champion"] == "als"
    assert record["verdict"] == "KEEP"
    assert record["serve"] == {"source": "refit", "recipe": "als"}
    refresh = record["lanes"]["refresh"]
    assert refresh["verdict"] == "PROMOTE"
    # One served fit, three of tonight; the served fit's luck is taken to be that of tonight's.
    assert refresh["comparison"]["se_fits"] == pytest.approx((1e-8 / 1 + 1e-8 / 3) ** 0.5)


def test_a_served_recipe_that_params_no_longer_have_is_noted(tmp_path: Path) -> None:
    record = decided(open_night(tmp_path, served="gone"))
    assert record["champion"] == "popular"
    assert "gone" in record["notes"][0]


@pytest.mark.parametrize("n", [1, 2, 6])
def test_few_listeners_cannot_carry_a_decision_whatever_is_undefined_for_them(n: int, tmp_path: Path) -> None:
    context = open_night(tmp_path, n=n)
    undefined = {"catalogue_coverage": None, "top_1_percent_share": None, "invalid_lists": 0}
    write_json(context.layout.metrics("item_knn"), undefined | {"churn_between_fits": None})
    record = decided(context)
    assert record["verdict"] == "INVALID"
    who = "1 listener can" if n == 1 else f"{n} listeners can"
    assert record["sentence"] == f"INVALID: {who} be scored, 500 are needed; the popular list is kept."
    assert record["serve"] == {"source": "refit", "recipe": "popular"}


def test_nobody_to_score_is_invalid(tmp_path: Path) -> None:
    record = decided(open_night(tmp_path, n=0))
    assert record["verdict"] == "INVALID"
    assert "no listener can be scored" in record["sentence"]


def _edit(path: Callable[[Layout], Path], change: Callable[[Any], Any]) -> Callable[[Layout], None]:
    def damage(layout: Layout) -> None:
        write_json(path(layout), change(read_json(path(layout))))

    return damage


def _cost(field: str, value: Any) -> Callable[[Any], Any]:
    return lambda raw: raw | {"fits": [fit | {field: value} for fit in raw["fits"]]}


DAMAGE: dict[str, Callable[[Layout], None]] = {
    "no evaluation": lambda at: at.evaluation("als").unlink(),
    "no evaluation of the popular list": lambda at: at.evaluation("popular").unlink(),
    "no metrics": lambda at: at.metrics("als").unlink(),
    "no fit cost": lambda at: at.fit_cost("als").unlink(),
    "no scoring cost": lambda at: at.score_cost("als").unlink(),
    "metrics are no JSON": lambda at: at.metrics("als").write_text("{", encoding="utf-8"),
    "evaluation is no table": lambda at: at.evaluation("als").write_bytes(b"PAR1"),
    "fewer listeners": lambda at: write_evaluation(at.evaluation("als"), 0.2, 3, N - 1),
    "one fit of a stochastic recipe": lambda at: write_evaluation(at.evaluation("als"), 0.2, 1),
    "NDCG above 1": lambda at: write_evaluation(at.evaluation("als"), 1.2, 3),
    "NaN": lambda at: write_evaluation(at.evaluation("als"), float("nan"), 3),
    "coverage is null": _edit(lambda at: at.metrics("als"), lambda m: m | {"catalogue_coverage": None}),
    "coverage above 1": _edit(lambda at: at.metrics("als"), lambda m: m | {"catalogue_coverage": 1.5}),
    "a metric is missing": _edit(lambda at: at.metrics("als"), lambda m: {"invalid_lists": 0}),
    "energy was not measured": _edit(lambda at: at.fit_cost("als"), _cost("energy_kwh", None)),
    "negative seconds": _edit(lambda at: at.fit_cost("als"), _cost("cpu_seconds", -1.0)),
    "memory was not measured": _edit(lambda at: at.fit_cost("als"), _cost("peak_rss_bytes", None)),
    "no fits in the cost": _edit(lambda at: at.fit_cost("als"), lambda raw: raw | {"fits": []}),
    "served.json is missing": lambda at: (at.served / "served.json").unlink(),
}


NIGHT = {"no evaluation of the popular list", "served.json is missing"}
"""Damage without which nothing can be decided; other damage costs als alone its place."""


@pytest.mark.parametrize("what", DAMAGE)
def test_whatever_is_damaged_or_missing_is_told_without_paths(tmp_path: Path, what: str) -> None:
    context = open_night(tmp_path)
    DAMAGE[what](context.layout)
    record = decided(context)
    told = record["faults"] if what in NIGHT else [record["left_out"]["als"]]
    assert (record["verdict"] == "INVALID") == (what in NIGHT)
    assert "als" not in {challenger["recipe"] for challenger in record["challengers"]}
    assert told
    assert not any("Error" in each for each in told)
    assert str(tmp_path) not in json.dumps(record)


@pytest.mark.parametrize("name", ["evaluation", "metrics"])
def test_a_served_model_that_was_not_measured_is_invalid_and_stays(tmp_path: Path, name: str) -> None:
    context = open_night(tmp_path, served="als")
    getattr(context.layout, name)("served").unlink()
    record = decided(context)
    assert record["verdict"] == "INVALID"
    assert record["serve"] == {"source": "served", "recipe": "als"}
    assert "als stays as it is served" in record["sentence"]


@pytest.mark.parametrize("value", [0.5, float("nan")])
def test_one_challenger_that_cannot_be_measured_does_not_stop_the_others(tmp_path: Path, value: float) -> None:
    context = open_night(tmp_path)
    write_evaluation(context.layout.evaluation("rp3beta"), value, 1, N - 1 if value == 0.5 else N)
    record = decided(context)
    assert (record["verdict"], record["challenger"]) == ("PROMOTE", "als")
    assert set(record["left_out"]) == {"rp3beta"}


def test_the_same_files_give_the_same_record(tmp_path: Path) -> None:
    context = open_night(tmp_path)
    decide.run(context)
    first = context.layout.decision.read_bytes()
    decide.run(context)
    assert context.layout.decision.read_bytes() == first
