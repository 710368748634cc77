"""Looks at whether the last night would have been cheaper without Spark."""

import json

from pipeline.doctor.finding import Finding
from pipeline.settings import Settings

CHECK = "engine"


def look(settings: Settings) -> list[Finding]:
    """Report the advice that the last night's summary gives; a saving is no fault."""
    summaries = sorted(settings.reports.glob("night-*.json"))
    try:
        advice = json.loads(summaries[-1].read_text(encoding="utf-8")).get("engine_advice") if summaries else None
    except (OSError, ValueError):
        advice = None
    return [Finding(CHECK, "ok", advice or f"NETGAIN_ENGINE is {settings.engine}")]
