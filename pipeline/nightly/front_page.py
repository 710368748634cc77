"""Writes reports/index.html from what nights leave in reports/."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.errors import TableError
from pipeline.gate.record_reader import parse_record
from pipeline.nightly.status import night_status
from pipeline.reports.data_docs import CHECKPOINTS, state
from pipeline.reports.front_page import render_front_page
from pipeline.reports.night_line import NightLine, night_line
from pipeline.settings import Settings
from pipeline.state.lease import in_force
from pipeline.storage.json_files import read_json, write_json, write_text

SHOWN = 90
"""The number of latest nights on the page."""
_WORDS = {"stopped": "stopped", "warned": "warned", "held": "passed"}


def keep_night(reports: Path, decision: Mapping[str, Any]) -> None:
    """Write what the front page shows of a decision to reports/nights/<as_of>.json."""
    line = night_line(parse_record(decision))
    write_json(reports / "nights" / f"{line.as_of}.json", json.loads(line.model_dump_json()))


def write_front_page(settings: Settings, *, due: dt.date | None = None) -> Path | None:
    """Write the front page and return its path; None before the first decision.

    Args:
        settings: the machine's settings.
        due: the night whose release should be served; by default the last one that was opened.
    """
    reports = settings.reports
    nights = _nights(reports)[-SHOWN:]
    if not nights:
        return None
    files = {path.relative_to(reports).as_posix() for path in reports.rglob("*.html")}
    checks = {night.as_of: found for night in nights if (found := _checks(reports, night.as_of))}
    lease = in_force(settings.state)
    last = nights[-1].as_of if lease is None else max(lease.as_of, nights[-1].as_of)
    due = dt.date.fromisoformat(last) if due is None else due
    page = reports / "index.html"
    write_text(page, render_front_page(nights, night_status(settings, due=due), files, checks=checks))
    return page


def _nights(reports: Path) -> list[NightLine]:
    """Return the nights that are kept, oldest first; those of earlier versions come from their summaries."""
    found = {}
    for path in reports.glob("night-*.json"):
        try:
            found[path.stem.removeprefix("night-")] = night_line(parse_record(read_json(path)["decision"]))
        except (TableError, ValueError, KeyError):
            continue  # of a version that no reader knows
    for path in (reports / "nights").glob("*.json"):
        try:
            found[path.stem] = NightLine.model_validate(read_json(path))
        except (TableError, ValidationError):
            continue  # cut off by a full disk, or of another version
    return [found[as_of] for as_of in sorted(found)]


def _checks(reports: Path, as_of: str) -> str:
    try:
        results = read_json(reports / "data_docs" / as_of / "results.json")
    except TableError:
        return ""
    states = {name: state(results.get(name)) for name in CHECKPOINTS}
    for worst in ("stopped", "warned"):
        names = [name for name, each in states.items() if each == worst]
        if names:
            return f"{', '.join(names)} {_WORDS[worst]}"
    return _WORDS["held"] if "held" in states.values() else ""
