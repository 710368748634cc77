"""Old ledgers, from before the database: JSON Lines files, each with a copy. `netgain state migrate` reads them."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import TableError

JOURNALS = {
    "analyses": "looks.jsonl",
    "overrides": "overrides.jsonl",
    "landed": "landed.jsonl",
    "rollbacks": "rollbacks.jsonl",
    "erasures": "erasures/requests.jsonl",
    "monitor": "monitor.jsonl",
}
"""The file of each table, below the ledger's folder."""
LEASES = "leases"


def is_legacy(ledger: Path) -> bool:
    """Return whether the folder holds state in files."""
    journals = [ledger / name for name in JOURNALS.values()]
    others = (*(ledger / LEASES).glob("*.json"), *(ledger / "outbox").glob("*/entry.json"))
    return bool(others) or any(path.exists() for path in (*journals, *map(_copy_of, journals)))


def require_none(ledger: Path) -> None:
    """Refuse to start with an empty database if earlier nights left their state in files.

    Raises:
        TableError: there are such files.
    """
    if is_legacy(ledger):
        raise TableError(
            f"{ledger} holds the state of earlier nights in files",
            expected="a database",
            fix="Run `netgain state migrate` once: it takes them over.",
        )


def read_journal(path: Path) -> list[dict[str, Any]]:
    """Return a journal's entries; none if there is no file.

    If the journal or its copy is damaged, the other one is read. If both are complete and differ, the copy is read,
    because it was written first; the journal is read if it continues the copy.

    Raises:
        TableError: neither is whole.
    """
    copy = _copy_of(path)
    here, there = (each.read_bytes() if each.exists() else None for each in (path, copy))
    for text in _preferred(here, there):
        try:
            return _parsed(text)
        except ValueError:
            continue
    if here is None and there is None:
        return []
    raise TableError(f"{path} cannot be read, and neither can {copy.name}", expected="JSON lines", fix="Restore one.")


def _preferred(here: bytes | None, there: bytes | None) -> list[bytes]:
    if here is not None and there is not None and here.startswith(there) and _is_whole(there):
        return [here, there]
    return [text for text in (there, here) if text]


def _is_whole(text: bytes) -> bool:
    try:
        return bool(_parsed(text))
    except ValueError:
        return False


def _parsed(text: bytes) -> list[dict[str, Any]]:
    """Raises ValueError unless the text is complete lines of JSON."""
    if not text.endswith(b"\n"):
        raise ValueError("cut off")
    return [json.loads(line) for line in text.split(b"\n") if line]


def _copy_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.copy")


def files_of(ledger: Path) -> list[Path]:
    """Return the files that the database replaces, journals before copies."""
    journals = [ledger / name for name in JOURNALS.values()]
    found = [*journals, *map(_copy_of, journals), ledger / "erasures" / "salt"]
    found += [*sorted((ledger / LEASES).glob("*.json")), ledger / LEASES / ".lock"]
    return [path for path in found if path.exists()]
