"""Stage monitor: measure how well the lists served before this night predicted plays, and whether the input drifted.

It warns and never stops a night, because the lists are served already. The history is in the state database, one row
per night.
"""

from pathlib import Path
from typing import Any

from pipeline.effects.monitor_metrics import watched
from pipeline.errors import NetgainError
from pipeline.monitoring.judging import Night, judge_nights
from pipeline.reports.monitor import render_monitor
from pipeline.stages.context import Context
from pipeline.state.rows import transaction
from pipeline.storage.json_files import read_json, write_json, write_text

TABLE = "monitor"


def run(context: Context) -> str:
    """Enter the night's figures, write reports/monitor.html and monitor-<as_of>.json; again, nothing changes."""
    reports, as_of = context.settings.reports, context.as_of.isoformat()
    n_shown: float | None = None
    try:
        entry = watched(context)
        n_shown = entry["figures"].get("impressions")
        nights = judge_nights(enter(context, entry), context.params.monitoring)
        tonight = next(night for night in nights if night.as_of == as_of)
        write_text(reports / "monitor.html", render_monitor(nights, context.params.monitoring))
        warnings = [*tonight.warnings, *(f"not looked at: {what}" for what in entry["missing"])]
    except NetgainError as err:
        # A failed monitor is a warning, in the summary, the report and alerts; it does not stop the night.
        tonight, warnings = Night(as_of, {}, ()), [f"the monitor could not do its work: {err.found}"]
    write_json(_report(context), {"as_of": as_of, "warnings": warnings})
    return _line(tonight, warnings, n_shown)


def warnings_of(context: Context) -> list[str]:
    """Return the monitor's warnings of this night; empty if it has not run."""
    path = _report(context)
    return list(read_json(path)["warnings"]) if path.exists() else []


def enter(context: Context, entry: dict[str, Any]) -> list[dict[str, Any]]:
    """Enter a night in the history; the same night is entered once, with its latest figures.

    Returns:
        All entries in the order of nights.

    Raises:
        TableError: the history cannot be read.
    """
    with transaction(context.settings.state) as state:
        if entry not in state.entries(TABLE):
            state.remove(TABLE, as_of=entry["as_of"])
            state.append(TABLE, entry)
        return sorted(state.entries(TABLE), key=lambda e: str(e["as_of"]))


def _report(context: Context) -> Path:
    return context.settings.reports / f"monitor-{context.as_of}.json"


def _line(night: Night, warnings: list[str], n_shown: float | None) -> str:
    hit = night.judged.get("hit_rate")
    rate = "no list was scored" if hit is None or hit.value is None else f"hit rate {hit.value:.1%}"
    rate += "" if n_shown is None else f" with {n_shown:.0f} impressions"
    return f"{rate}; " + (f"{len(warnings)} warnings: {'; '.join(warnings)}" if warnings else "no warnings")
