"""A night's figures for the monitor: of the lists served before it, of its input, and of the age of both."""

import datetime as dt
from typing import Any

from pipeline.errors import LandingError, TableError
from pipeline.monitoring.figures import Figures, new_item_share, serving_figures
from pipeline.stages.context import Context
from pipeline.stages.shown import shown_since
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import DAILY, FALLBACK, LISTS
from pipeline.storage.tables import read_table

_DRIFT = ("psi_hours", "psi_durations", "psi_plays_each")
_VOLUME = {"plays_ratio": "plays_ratio", "listeners_ratio": "listeners_ratio", "log_age_days": "age_days"}


def watched(context: Context) -> dict[str, Any]:
    """Return the night's entry in the history, which depends only on its inputs and the release served before it.

    Returns:
        `as_of`; `release`, the id of the release that was served, or None; `since`, the first day of the plays
        considered; `figures` by name, None if undefined; `missing`, messages about inputs that could not be read, which
        leave figures undefined.
    """
    missing: list[str] = []
    layout, as_of = context.layout, context.as_of
    served = _read(missing, lambda: read_json(layout.served / "served.json")) or {"release": None, "as_of": None}
    since = dt.date.fromisoformat(served["as_of"]) if served["as_of"] else as_of - dt.timedelta(days=1)
    report = _read(missing, lambda: read_json(layout.validation_report)) or {}
    figures: Figures = {name: report.get("drift", {}).get(name) for name in _DRIFT}
    figures |= {name: report.get("volume", {}).get(told) for name, told in _VOLUME.items()}
    figures["lists_age_days"] = float((as_of - since).days) if served["release"] else None
    figures |= _read(missing, lambda: _of_plays(context, served["release"], since)) or {}
    figures |= _read(missing, lambda: _of_impressions(context, since)) or {}
    if figures.get("shown_hit_rate") is not None:  # what was shown tells more than what was on a list
        figures |= {"list_hit_rate": figures.get("hit_rate"), "hit_rate": figures["shown_hit_rate"]}
    return {
        "as_of": as_of.isoformat(),
        "release": served["release"],
        "since": since.isoformat(),
        "figures": dict(sorted(figures.items())),
        "missing": missing,
    }


def _of_plays(context: Context, release: str | None, since: dt.date) -> Figures:
    import polars as pl

    daily = pl.DataFrame(read_table(context.layout.daily, DAILY))
    figures: Figures = {"new_item_share": new_item_share(daily, since=since)}
    if release is None:
        return figures
    folder = context.settings.releases / release
    lists, fallback = (
        pl.DataFrame(read_table(folder / name, schema))
        for name, schema in (("lists.parquet", LISTS), ("fallback.parquet", FALLBACK))
    )
    least = context.params.monitoring.min_listeners
    return figures | serving_figures(daily.filter(pl.col("day") >= since), lists, fallback, min_listeners=least)


def _of_impressions(context: Context, since: dt.date) -> Figures:
    """Return the figures of what the server really showed; empty if the night has no segments of events."""
    from pipeline.monitoring.impressions import shown_figures

    shown = shown_since(context, since)
    if shown is None:
        return {}
    return shown_figures(*shown, min_listeners=context.params.monitoring.min_listeners)


def _read(missing: list[str], read: Any) -> Any:
    try:
        return read()
    except (TableError, LandingError) as err:
        missing.append(err.found)
        return None
