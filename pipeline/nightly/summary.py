"""The facts of a finished night, gathered from the outputs of its stages."""

from typing import Any

from pipeline.effects.monitor import warnings_of
from pipeline.effects.publish import newcomers_of
from pipeline.gate.economics import per_month
from pipeline.nightly.data_docs import checkpoints
from pipeline.releases.release import current
from pipeline.stages.context import Context
from pipeline.stages.newcomers import newcomers_clause
from pipeline.state.outbox import waiting
from pipeline.storage.json_files import read_json


def night_facts(context: Context) -> dict[str, Any]:
    """Return the facts of a finished night, JSON-able.

    Returns:
        `as_of`; `rows` (read, accepted, duplicate, quarantined, reasons, format, files, those `in_extended_history` as
        well, and accepted ones `later` than the night); `checks` (by checkpoint: the number of expectations, and lines
        on warnings, excluded listeners and undecided expectations); `decision` (decision.json); `recipes`, see
        `recipe_rows`; `release` (id, as_of, recipe, n_listeners, folder); `newcomers`, a clause on how
        well they are served; `monitor`, its warnings; `outbox`, keys of the nights that wait for MLflow; `reports`,
        the folder.
    """
    layout = context.layout
    ingest, decision = read_json(layout.ingest_report), read_json(layout.decision)
    release = current(context.settings.releases)
    return {
        "as_of": context.as_of.isoformat(),
        "rows": {key: ingest[key] for key in ("format", "read", "accepted", "duplicate", "quarantined", "reasons")}
        | {"files": len(ingest["files"]), "in_extended_history": ingest.get("in_extended_history", 0)}
        | {"later": read_json(layout.validation_report).get("later", 0)},
        "checks": {
            name: {kind: report[kind] for kind in ("n_expectations", "warnings", "excluded_listeners", "undecided")}
            for name, report in checkpoints(context).items()
        },
        "decision": decision,
        "recipes": recipe_rows(context, decision),
        "release": {
            "id": release.id,
            "as_of": release.as_of.isoformat(),
            "recipe": release.recipe,
            "n_listeners": release.manifest["n_listeners"],
            "folder": str(release.folder),
        },
        "newcomers": newcomers_clause(newcomers_of(context, release.recipe), context.params.evaluation.k),
        "monitor": warnings_of(context),
        "outbox": sorted({entry.key for entry in waiting(context.settings.state)}),
        "reports": str(context.settings.reports),
    }


def recipe_rows(context: Context, decision: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each measured recipe, most accurate first: accuracy, gain over the champion with its 95 %
    interval (fractions of the champion's mean), the measured cost of a night, and money: its own running cost a month,
    and what it adds to the champion's, running and once, with the expected net benefit over the horizon."""
    champion, k = decision["champion"], context.params.evaluation.k
    upgrades = {upgrade["recipe"]: upgrade for upgrade in decision["challengers"]}
    rows = []
    for name, measured in decision["recipes"].items():
        metrics = read_json(context.layout.metrics(name))
        night, running = measured["night"] or {}, measured["running_cost"]
        rows.append(
            {
                "recipe": name,
                "role": "champion" if name == champion else "challenger",
                "ndcg": measured["mean"],
                "recall": metrics.get(f"recall_at_{k}"),
                "coverage": measured["coverage"],
                "gain": _gain(upgrades.get(name)),
                "cpu_seconds": night.get("cpu_seconds"),
                "peak_rss_bytes": night.get("peak_rss_bytes"),
                "model_bytes": night.get("model_bytes"),
                "energy_kwh": night.get("energy_kwh"),
                "cost_per_month": None if running is None else _monthly(running, context),
                **_added(upgrades.get(name)),
                "broken": [g["name"] for g in upgrades.get(name, {}).get("gates", []) if g["passed"] is False],
            }
        )
    return sorted(rows, key=lambda row: -(row["ndcg"] or 0.0))


def _gain(upgrade: dict[str, Any] | None) -> dict[str, float] | None:
    if upgrade is None or not upgrade["comparison"]["champion_mean"]:
        return None
    base = upgrade["comparison"]["champion_mean"]
    low, high = upgrade["interval"]
    return {"delta": upgrade["comparison"]["delta"] / base, "low": low / base, "high": high / base}


def _added(upgrade: dict[str, Any] | None) -> dict[str, float | None]:
    balance = {} if upgrade is None else upgrade["balance"]
    return {
        "added_per_month": balance.get("monthly_cost"),
        "one_off": balance.get("one_off_cost"),
        "net_benefit": balance.get("outlook", {}).get("mean"),
    }


def _monthly(running: dict[str, float], context: Context) -> float:
    once = running.get("switching") or 0.0
    return per_month(sum(running.values()) - once, context.params.economics)
