"""A night's figures for Prometheus: a file for node_exporter's textfile collector, or a push."""

from collections.abc import Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, generate_latest

VERDICTS = ("PROMOTE", "KEEP", "INVALID")
_PREFIX = "netgain_night"


def night_registry(facts: Mapping[str, Any], *, ended: float) -> CollectorRegistry:
    """Return the metrics of a finished night.

    Args:
        facts: what `run_night` returns: see `night_facts`, with `seconds` and `stage_seconds`.
        ended: time of its end [s since 1970].
    """
    registry = CollectorRegistry(auto_describe=False)

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"{_PREFIX}_{name}", about, labels, registry=registry)

    gauge("last_success_timestamp_seconds", "End of the last night that came to its end").set(ended)
    gauge("seconds", "Wall-clock time of the night [s]").set(facts["seconds"])
    stage = gauge("stage_seconds", "Wall-clock time of each stage and effect that ran [s]", "stage")
    for name, seconds in facts.get("stage_seconds", {}).items():
        stage.labels(name).set(seconds)
    rows = gauge("rows", "Rows of the logs, by what became of them", "what")
    for what in ("read", "accepted", "duplicate", "quarantined"):
        rows.labels(what).set(facts["rows"][what])
    verdict = gauge("verdict", "1 for the gate's verdict, 0 for the others", "verdict")
    for name in VERDICTS:
        verdict.labels(name).set(name == facts["decision"]["verdict"])
    gauge("listeners", "Listeners with a list in the served release").set(facts["release"]["n_listeners"])
    gauge("monitor_warnings", "Warnings of the monitor").set(len(facts["monitor"]))
    gauge("outbox_nights", "Nights that wait for MLflow").set(len(facts["outbox"]))
    _of_recipes(gauge, facts["recipes"])
    return registry


def _of_recipes(gauge: Any, recipes: list[Mapping[str, Any]]) -> None:
    """Set a gauge for each figure of each recipe; a figure that was not measured has no sample."""
    for name, key, about in (
        ("recipe_ndcg", "ndcg", "Accuracy on the decision window"),
        ("recipe_cpu_seconds", "cpu_seconds", "CPU time of a night of the recipe [s]"),
        ("recipe_peak_rss_bytes", "peak_rss_bytes", "Memory of the recipe [B]"),
        ("recipe_cost_per_month", "cost_per_month", "Running cost by the price card, in its currency"),
    ):
        figure = gauge(name, about, "recipe")
        for row in recipes:
            if row[key] is not None:
                figure.labels(row["recipe"]).set(row[key])


def metrics_text(facts: Mapping[str, Any], *, ended: float) -> str:
    """Return the metrics of a night in Prometheus's text format."""
    return generate_latest(night_registry(facts, ended=ended)).decode()
