"""What waits for MLflow."""

from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.errors import TableError
from pipeline.settings import Settings
from pipeline.state.outbox import Waiting, waiting

CHECK = "outbox"


def look(settings: Settings) -> list[Finding]:
    """Entries that wait, and those that nobody can read any more."""
    entries = waiting(settings.state)
    damaged = [entry for entry in entries if not _is_readable(entry)]
    found = []
    if damaged:
        fix = "Restore its folder from a backup of the ledger, or remove it by hand."
        found += [Finding(CHECK, "fail", f"{entry.folder.name} is damaged", fix) for entry in damaged]
    if n := len(entries) - len(damaged):
        oldest = min(entry.as_of for entry in entries)
        told = f"{n} entr{'y waits' if n == 1 else 'ies wait'} for MLflow, the oldest of the night {oldest}"
        fix = "The next night delivers what waits; now: `netgain outbox replay`."
        found.append(Finding(CHECK, "warn", told, fix, partial(_deliver, settings)))
    return found or [Finding(CHECK, "ok", "nothing waits for MLflow")]


def _is_readable(entry: Waiting) -> bool:
    try:
        entry.body()
    except TableError:
        return False
    return True


def _deliver(settings: Settings, _by: str) -> str:
    """Raises what keeps the first entry that stays."""
    from pipeline.tracking.replay import replay

    done = replay(settings)
    if done.error is not None and not done.said:
        raise done.error
    return f"delivered {len(done.said)} of the outbox" + (f"; then {done.error.found}" if done.error else "")
