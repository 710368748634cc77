"""How the last night ended, and whether the one at work shows signs of life."""

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
_AGAIN = "See its log, then run it again: what is done is kept."


def look(settings: Settings) -> list[Finding]:
    """Check the lease in force. One that did not end blocks no night: the next one takes its place."""
    lease = in_force(settings.state)
    if lease is None:
        return [Finding(CHECK, "ok", "none was opened yet")]
    state, silent = state_of(settings, lease), f"{idle_seconds(settings.state, lease):,.0f} s ago"
    if state == "ended":
        if lease.ended == "failed":
            return [Finding(CHECK, "warn", f"{lease} failed", _AGAIN)]
        return [Finding(CHECK, "ok", f"{lease} ended: {lease.ended}")]
    if state == "at work":
        return [Finding(CHECK, "ok", f"{lease} is at work, last sign of life {silent}")]
    gone = "its process is gone" if state == "gone" else f"its last sign of life was {silent}"
    return [Finding(CHECK, "warn", f"{lease} did not end: {gone}", _AGAIN, _marking(settings, lease))]


def _marking(settings: Settings, lease: Lease) -> Repair | None:
    """Return the repair that marks what is served as stale, for a night that was killed before it could do so."""
    try:
        night = dt.date.fromisoformat(lease.as_of)
        served, mark = current(settings.releases), stale_mark(settings.releases)
    except (ValueError, ReleaseError):  # a lease that could not be read when it was migrated has no date
        return None
    unsaid = served.as_of < night and (mark is None or mark.night < lease.as_of)
    return partial(_mark, settings, night) if unsaid else None


def _mark(settings: Settings, night: dt.date, _by: str) -> str:
    mark_stale(settings.releases, night=night, stage="an unknown stage", why="it was killed, or its machine went down")
    return f"marked what is served as stale: the night of {night} did not end"
