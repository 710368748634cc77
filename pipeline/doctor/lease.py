"""Checks how the last night ended, and whether a running night still sends heartbeats."""

import datetime as dt
from functools import partial

from pipeline.doctor.finding import Finding, Repair
from pipeline.errors import ReleaseError
from pipeline.nightly.workspace_lock import state_of
from pipeline.releases.current import mark_stale, stale_mark
from pipeline.releases.release import current
from pipeline.settings import Settings
from pipeline.state.lease import Lease, idle_seconds, in_force

CHECK = "last night"
_AGAIN = "Check its log, then run it again: finished stages are kept."


def look(settings: Settings) -> list[Finding]:
    """Report the state of the current lease. An unfinished lease blocks nothing: the next night replaces it."""
    lease = in_force(settings.state)
    if lease is None:
        return [Finding(CHECK, "ok", "no night has been opened yet")]
    state, silent = state_of(settings, lease), f"{idle_seconds(settings.state, lease):,.0f} s ago"
    if state == "ended":
        if lease.ended == "failed":
            return [Finding(CHECK, "warn", f"{lease} failed", _AGAIN)]
        return [Finding(CHECK, "ok", f"{lease} ended: {lease.ended}")]
    if state == "at work":
        return [Finding(CHECK, "ok", f"{lease} is running, last heartbeat {silent}")]
    why = "its process is gone" if state == "gone" else f"its last heartbeat was {silent}"
    return [Finding(CHECK, "warn", f"{lease} did not finish: {why}", _AGAIN, _marking(settings, lease))]


def _marking(settings: Settings, lease: Lease) -> Repair | None:
    """Return the repair that marks the served release as stale, if a killed night could not do so itself."""
    try:
        night = dt.date.fromisoformat(lease.as_of)
        served, mark = current(settings.releases), stale_mark(settings.releases)
    except (ValueError, ReleaseError):  # a lease that could not be read when it was migrated has no date
        return None
    unmarked = served.as_of < night and (mark is None or mark.night < lease.as_of)
    return partial(_mark, settings, night) if unmarked else None


def _mark(settings: Settings, night: dt.date, _by: str) -> str:
    mark_stale(settings.releases, night=night, stage="an unknown stage", why="it was killed, or its machine went down")
    return f"marked the served release as stale: the night of {night} did not finish"
