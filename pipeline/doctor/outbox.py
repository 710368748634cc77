"""Checks for records that wait to be delivered to MLflow."""

from functools import partial

from pipeline.doctor.finding import Finding
from pipeline.errors import TableError
from pipeline.settings import Settings
from pipeline.state.outbox import Waiting, waiting

CHECK = "outbox"


def look(settings: Settings) -> list[Finding]:
    """Report waiting entries, and entries that cannot be read."""
    entries = waiting(settings.state)
    damaged = [entry for entry in entries if not _is_readable(entry)]
    found = []
    if damaged:
        fix = "Restore its folder from a backup of the ledger, or remove it by hand."
        found += [Finding(CHECK, "fail", f"{entry.folder.name} is damaged", fix) for entry in damaged]
    if n := len(entries) - len(damaged):
        oldest = min(entry.as_of for entry in entries)
        message = f"{n} entr{'y waits' if n == 1 else 'ies wait'} for MLflow, the oldest from the night of {oldest}"
        fix = "The next night delivers them; to deliver them now: `netgain outbox replay`."
        found.append(Finding(CHECK, "warn", message, fix, partial(_deliver, settings)))
    return found or [Finding(CHECK, "ok", "nothing waits for MLflow")]


def _is_readable(entry: Waiting) -> bool:
    try:
        entry.body()
    except TableError:
        return False
    return True


def _deliver(settings: Settings, _by: str) -> str:
    """Deliver the outbox. Raises the error of the first entry if none could be delivered."""
    from pipeline.tracking.replay import replay

    done = replay(settings)
    if done.error is not None and not done.delivered:
        raise done.error
    return f"delivered {len(done.delivered)} of the outbox" + (f"; then {done.error.found}" if done.error else "")
