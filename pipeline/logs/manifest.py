"""The manifest of landed files: what each night took, row for row, and what has changed since.

Three kinds of entries in the table `landed`. `night`: totals of a night, and the files whose content or counts differ
from the night before. `accepted`: a person accepts that a file differs from what was taken, or is gone. `replayed`:
quarantined rows of a file landed again, corrected, in another file.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError
from pipeline.state.location import Where
from pipeline.state.rows import append, entries, transaction

TABLE = "landed"
TOTALS = ("read", "accepted", "duplicate", "quarantined")
_TOLD = (*TOTALS, "replayed", "reasons", "repairs", "first_played_at", "last_played_at")
_SHOWN = 3

Entry = dict[str, Any]
Files = dict[str, Entry]
"""By path: bytes, sha256, the counts of the last night that took it, and `taken`, the first night that took it so."""


@dataclass(frozen=True)
class Finding:
    """A landed file that is not what was taken.

    Attributes:
        path: relative to the landing root.
        taken: the night that took it.
        sha256: what it is now; None where it is gone.
    """

    path: str
    taken: str
    sha256: str | None

    def __str__(self) -> str:
        return f"{self.path} {'changed' if self.sha256 else 'is gone'} since the night {self.taken}"


def taken_files(recorded: Iterable[Entry], *, root: str, format: str) -> Files:
    """The files of a landing root as they were taken last."""
    files: Files = {}
    for entry in recorded:
        if (entry["root"], entry["format"]) != (root, format):
            continue
        if entry["kind"] == "night":
            for file in entry["files"]:
                before = files.get(file["path"])
                same = before and before["taken"] and before["sha256"] == file["sha256"]
                files[file["path"]] = file | {"taken": before["taken"] if before and same else entry["as_of"]}
            for path in entry["withdrawn"]:
                files.pop(path, None)
        elif entry["kind"] == "accepted" and entry["sha256"] is None:
            files.pop(entry["path"], None)
        elif entry["kind"] == "accepted" and entry["path"] in files:
            # No night has taken it in this state: the next one that does enters it.
            known = {"path": entry["path"], "last_played_at": files[entry["path"]]["last_played_at"]}
            files[entry["path"]] = known | {"sha256": entry["sha256"], "taken": ""}
    return files


def findings(where: Where, inventory: Mapping[str, Any], *, root: Path, needed_from: dt.date) -> list[Finding]:
    """Files that earlier nights took, and that have changed or are gone.

    Args:
        where: the store.
        inventory: landing.json.
        root: the landing root.
        needed_from: the first day that the night looks at; a file of older plays alone may go.
    """
    now = {_shown(file): file["sha256"] for file in inventory["files"]}
    found = []
    taken = taken_files(entries(where, TABLE), root=inventory["root"], format=inventory["format"])
    for path, file in taken.items():
        if path in now:
            if now[path] != file["sha256"]:
                found.append(Finding(path, file["taken"], now[path]))
        elif (file["last_played_at"] or "") >= needed_from.isoformat() and not (root / path).exists():
            found.append(Finding(path, file["taken"], None))
    return found


def refuse(found: Sequence[Finding]) -> None:
    """Stop a night that would silently read other logs than the nights before it.

    Raises:
        LandingError: there are findings.
    """
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise LandingError(
            f"{', '.join(map(str, found[:_SHOWN]))}{more}",
            expected="landed files as they were taken",
            fix="Restore them and land corrections under new names, or say why it is right: `netgain landed accept`.",
        )


def enter_night(
    where: Where, *, as_of: str, inventory: Mapping[str, Any], root: Path, report: Mapping[str, Any]
) -> int:
    """Enter what a night took; the same night again, or one that took the same, leaves the files as they are.

    Args:
        where: the store.
        as_of: the night.
        inventory: landing.json.
        root: the landing root.
        report: ingest.json.

    Returns:
        How many files are new.
    """
    source = {"root": inventory["root"], "format": inventory["format"]}
    landed = {_shown(f): {"path": _shown(f), "bytes": f["bytes"], "sha256": f["sha256"]} for f in inventory["files"]}
    files = [landed[file["path"]] | {key: file[key] for key in _TOLD} for file in report["files"]]
    for counts in (report, *files):
        settled = counts["accepted"] + counts["duplicate"] + counts["quarantined"]
        assert counts["read"] == settled, f"{counts['read']} rows read, {settled} accounted for"
    with transaction(where) as state:
        recorded = state.entries(TABLE)
        before = taken_files(recorded, **source)
        known = {path: {k: v for k, v in file.items() if k != "taken"} for path, file in before.items()}
        entry = {
            "kind": "night",
            "as_of": as_of,
            **source,
            **{key: report[key] for key in TOTALS},
            "n_files": len(files),
            "files": [file for file in files if known.get(file["path"]) != file],
            "withdrawn": sorted(path for path in before.keys() - landed.keys() if not (root / path).exists()),
        }
        nights = [e for e in recorded if e["kind"] == "night" and e["as_of"] == as_of]
        if entry["files"] or entry["withdrawn"] or not nights:
            state.append(TABLE, entry)
    return len(landed.keys() - before.keys())


def forget(where: Where, gone: Callable[[str], bool]) -> None:
    """Remove files whose very names must be erased; the totals of nights stay as they were."""
    if not entries(where, TABLE):
        return
    with transaction(where) as state:
        recorded = state.entries(TABLE)
        kept = [
            entry
            if entry["kind"] != "night"
            else entry
            | {
                "files": [file for file in entry["files"] if not gone(file["path"])],
                "withdrawn": [path for path in entry["withdrawn"] if not gone(path)],
            }
            for entry in recorded
            if entry["kind"] == "night" or not gone(entry["path"])
        ]
        if kept != recorded:
            state.replace(TABLE, kept)


def accept(where: Where, found: Sequence[Finding], *, root: str, format: str, by: str, reason: str, when: str) -> None:
    """Accept findings: the next night takes the files as they are now."""
    fresh = [
        {
            "kind": "accepted",
            "root": root,
            "format": format,
            "path": finding.path,
            "sha256": finding.sha256,
            "by": by,
            "reason": reason,
            "when": when,
        }
        for finding in found
    ]
    append(where, TABLE, *fresh)


def _shown(file: Mapping[str, Any]) -> str:
    return str(file.get("shown", file["path"]))
