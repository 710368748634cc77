"""A night's files as records of runs, under names that sort and read well in MLflow's tables.

Six figures have short names, because MLflow cuts the heads of columns; the others stand in groups (`accuracy/`,
`cost/`, …), which MLflow draws as sections of charts.
"""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipeline.gate.candidates import COVERAGE
from pipeline.metrics.catalogue.registry import catalogue_metrics
from pipeline.metrics.cost import Cost, mean_cost
from pipeline.metrics.listener.registry import listener_metrics
from pipeline.tracking.night_files import NightFiles
from pipeline.tracking.notes import night_note, recipe_note
from pipeline.tracking.records import RunRecord

MIB = 2**20


def night_record(night: NightFiles, artifacts: tuple[tuple[Path, str], ...]) -> RunRecord:
    """Return the run of the night."""
    decision, served = night.decision, night.decision["serve"]["recipe"]
    chosen = night.upgrade(decision["challenger"]) if decision["challenger"] else {}
    costs = [*_all(night.fits), *_all(night.scorings), *night.refits, night.lists]
    metrics = {
        night.metric: night.metrics[served].get(night.metric),
        **_catalogue(night.metrics[served]),
        **_gain(chosen),
        **{f"rows/{name}": night.ingest[name] for name in ("read", "accepted", "duplicate", "quarantined")},
        "cpu_seconds": sum(cost.cpu_seconds for cost in costs),
        "peak_rss_mib": _mib(_highest(costs)),
        "cost/energy_wh": 1000 * sum(cost.energy_kwh for cost in costs),
        "night/n_eligible_listeners": decision["n_eligible"],
        "night/n_lists": night.lists.n_scored,
        **{f"monitor/{name}": value for name, value in night.monitor.items() if value is not None},
    }
    return _record(
        metrics,
        name=f"{night.as_of} {decision['verdict']} {served}",
        note=night_note(night),
        tags={
            **_tags(night, served, decision["verdict"]),
            "champion": decision["champion"],
            "challenger": decision["challenger"] or "none",
            "release": night.release,
            "model_source": decision["serve"]["source"],
        },
        params=_flat(night.params),
        seconds=sum(cost.wall_seconds for cost in costs),
        artifacts=artifacts,
        data=night.data,
    )


def recipe_record(night: NightFiles, recipe: str, artifacts: tuple[tuple[Path, str], ...]) -> RunRecord:
    """Return the run of one recipe."""
    measured, upgrade = night.metrics[recipe], night.upgrade(recipe)
    fits, scorings = night.fits[recipe], night.scorings[recipe]
    fit, scoring = mean_cost(fits), mean_cost(scorings)
    metrics = {
        night.metric: measured.get(night.metric),
        **_accuracy(measured, night),
        **_catalogue(measured),
        **{f"slice/{name} {night.metric}": means.get(night.metric) for name, means in measured["slices"].items()},
        **_gain(upgrade),
        "cpu_seconds": fit.cpu_seconds + scoring.cpu_seconds,
        "peak_rss_mib": _mib(_highest([fit, scoring])),
        "cost/fit_cpu_seconds": fit.cpu_seconds,
        "cost/fit_wall_seconds": fit.wall_seconds,
        "cost/model_mib": _mib(fit.model_bytes),
        "cost/score_cpu_seconds": scoring.cpu_seconds,
        "cost/scored_per_second": scoring.scored_per_second,
        "cost/energy_wh": 1000 * (fit.energy_kwh + scoring.energy_kwh),
    }
    seeds = [math.nan if value is None else value for value in measured["seeds"].get(night.metric, ())]
    return _record(
        metrics,
        name=f"{night.as_of} · {recipe}",
        note=recipe_note(night, recipe),
        tags={
            **_tags(
                night, recipe, upgrade.get("verdict", "champion" if night.role(recipe) == "champion" else "INVALID")
            ),
            "family": night.recipes[recipe]["family"],
            "role": night.role(recipe),
            "energy_provenance": fit.energy_provenance or "unknown",
        },
        params=_flat({**night.recipes[recipe], "seeds": len(fits)}),
        seconds=sum(cost.wall_seconds for cost in [*fits, *scorings]),
        series={f"seed/{night.metric}": tuple(seeds)} if seeds and all(map(math.isfinite, seeds)) else {},
        artifacts=artifacts,
        data=night.data,
    )


def _record(metrics: Mapping[str, Any], *, tags: Mapping[str, str], **fields: Any) -> RunRecord:
    """Return a record of the finite metrics; the others are named in a tag: MLflow would store 1.8e308 for them."""
    # Six significant digits exceed the precision of all of these, and are readable in a table.
    finite = {n: float(f"{v:.6g}") for n, v in metrics.items() if v is not None and math.isfinite(v)}
    undefined = sorted(metrics.keys() - finite.keys())
    return RunRecord(
        metrics=finite, tags={**tags, **({"undefined": ", ".join(undefined)} if undefined else {})}, **fields
    )


def _tags(night: NightFiles, recipe: str, verdict: str) -> dict[str, str]:
    commit = {"mlflow.source.git.commit": night.commit.partition("+")[0]} if night.commit else {}
    named = {"as_of": night.as_of, "recipe": recipe, "verdict": verdict}
    return {**named, "git_commit": night.commit or "unknown", **commit}


def _gain(upgrade: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the gate's figures on a challenger: gains relative to the champion [%], money over the horizon."""
    if not upgrade:
        return {}
    base = upgrade["comparison"]["champion_mean"]

    def percent(value: float | None) -> float | None:
        return None if value is None or not base else 100 * value / base

    return {
        "gain_percent": percent(upgrade["comparison"]["delta"]),
        "decision/gain_low_percent": percent(upgrade["lower_bound"]),
        "decision/added_cost": upgrade["cost_total"],
        "expected_net_benefit": upgrade["balance"]["outlook"]["mean"],
    }


def _accuracy(measured: Mapping[str, Any], night: NightFiles) -> dict[str, float | None]:
    """Return the metrics of listeners other than the one that decides."""
    names = [metric.key(night.k) for metric in listener_metrics()]
    return {f"accuracy/{name}": measured.get(name) for name in names if name != night.metric and name in measured}


def _catalogue(measured: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the metrics of all lists together; coverage is one of the figures with short names."""
    names = {metric.name: f"catalogue/{metric.name}" for metric in catalogue_metrics()} | {COVERAGE: "coverage"}
    return {shown: measured.get(name) for name, shown in names.items()}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": str(value)}
    return flat


def _all(costs: Mapping[str, list[Cost]]) -> Iterable[Cost]:
    return (cost for each in costs.values() for cost in each)


def _highest(costs: Iterable[Cost]) -> int | None:
    return max((cost.peak_rss_bytes for cost in costs if cost.peak_rss_bytes is not None), default=None)


def _mib(size: int | None) -> float | None:
    return None if size is None else size / MIB
