"""Moves the state of an old ledger, from before the database, into the database, once."""

import json
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipeline.errors import TableError
from pipeline.releases.removed import enter_removed
from pipeline.settings import Settings
from pipeline.state import legacy
from pipeline.state.backup import is_empty
from pipeline.state.clock import now
from pipeline.state.database import writing
from pipeline.state.outbox import FOLDER as OUTBOX
from pipeline.state.rows import Rows
from pipeline.state.schema import LEASES

_MIGRATED = "migrated_at"
_REMOVED = "removed.jsonl"


def migrate(settings: Settings) -> dict[str, int]:
    """Enter the content of an old ledger's files in one transaction, then remove those files.

    The files must go, because a later erasure could not reach names in them. A crash before the commit changes nothing;
    after a crash that comes later, the same command removes the files that are left.

    Returns:
        The number of entries by table; empty if there was nothing to take in.

    Raises:
        TableError: a file is damaged, or the database already holds other state.
    """
    ledger = settings.ledger
    counts: dict[str, int] = {}
    for entry in legacy.read_journal(settings.releases / _REMOVED):
        enter_removed(settings.releases, entry["release"], keep=entry["keep"], when=entry["when"])
        counts["removed"] = counts.get("removed", 0) + 1
    if legacy.is_legacy(ledger):
        with writing(settings.state, anew=True) as connection:
            state = Rows(connection)
            if state.setting(_MIGRATED) is None:
                if not is_empty(connection):
                    raise TableError(
                        f"{ledger} holds old files, and the state database is not empty",
                        expected="one of the two",
                        fix="Move away the one that does not count.",
                    )
                counts |= _enter(state, ledger)
                state.set(_MIGRATED, now())
    for path in (*legacy.files_of(ledger), *(ledger / OUTBOX).glob("*/entry.json")):
        path.unlink()
    for path in (settings.releases / _REMOVED, settings.releases / f".{_REMOVED}.copy"):
        path.unlink(missing_ok=True)
    if (ledger / legacy.LEASES).is_dir():
        (ledger / legacy.LEASES).rmdir()
    return counts


def _enter(state: Rows, ledger: Path) -> dict[str, int]:
    counts = {}
    for table, name in legacy.JOURNALS.items():
        entries = legacy.read_journal(ledger / name)
        state.append(table, *entries)
        counts[table] = len(entries)
    salt = ledger / "erasures" / "salt"
    if salt.exists():
        state.set("erasure_salt", salt.read_text(encoding="utf-8").strip())
    outbox = [_outbox_entry(folder) for folder in sorted((ledger / OUTBOX).glob("[0-9]*")) if folder.is_dir()]
    state.append("outbox", *outbox)
    leases = [_lease(path) for path in sorted((ledger / legacy.LEASES).glob("[0-9]*.json"))]
    if leases:
        state.connection.execute(sa.insert(LEASES), leases)
    counts |= {"outbox": len(outbox), "leases": len(leases)}
    return {table: n for table, n in counts.items() if n}


def _outbox_entry(folder: Path) -> dict[str, Any]:
    """Return the entry of a folder of the outbox; raises TableError if it is damaged."""
    try:
        content = json.loads((folder / "entry.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as err:
        raise TableError(
            f"{folder / 'entry.json'} cannot be read: {err}", expected="JSON", fix="Restore or remove the folder."
        ) from err
    _, kind, key = folder.name.split("-", 2)
    files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {
        "kind": kind,
        "key": key,
        "folder": folder.name,
        "content": content,
        "files": [path for path in files if path != "entry.json"],
    }


def _lease(path: Path) -> dict[str, Any]:
    """Return a lease; one that cannot be read keeps its token, which stands in the file's name."""
    unknown = {"as_of": "an unknown date", "owner": None, "pid": 0, "host": "an unknown machine", "started": 0}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        lease = {key: told.get(key, value) for key, value in (unknown | {"ended": None}).items()}
    except (OSError, ValueError, AttributeError):
        lease = unknown | {"ended": None}
    return lease | {"token": int(path.stem), "beat_at": path.stat().st_mtime}
