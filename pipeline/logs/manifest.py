"""The ledger of landed files: what each night took, row for row, and what has changed behind its back since.

A journal of three kinds of entries. `night`: totals of a night, and the files whose content or counts are not those of
the night before. `accepted`: somebody says that a file may differ from what was taken, or be gone. `replayed`: rows of
a file that were in quarantine landed again, mended, in another file.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError
from pipeline.state.journal import append, read_lines, write_lines

FILE = "landed.jsonl"
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


def files_in_manifest(entries: Iterable[Entry], *, root: str, format: str) -> Files:
    """The files of a landing root as they were taken last."""
    files: Files = {}
    for entry in entries:
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
            # Nobody has taken it so: the next night that does enters it.
            known = {"path": entry["path"], "last_played_at": files[entry["path"]]["last_played_at"]}
            files[entry["path"]] = known | {"sha256": entry["sha256"], "taken": ""}
    return files


def findings(ledger: Path, inventory: Mapping[str, Any], *, root: Path, needed_from: dt.date) -> list[Finding]:
    """Files that earlier nights took, and that have changed or are gone.

    Args:
        ledger: the ledger's folder.
        inventory: landing.json.
        root: the landing root.
        needed_from: the first day that the night looks at; a file of older plays alone may go.
    """
    now = {_shown(file): file["sha256"] for file in inventory["files"]}
    found = []
    for path, file in files_in_manifest(
        read_lines(ledger / FILE), root=inventory["root"], format=inventory["format"]
    ).items():
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
    ledger: Path, *, as_of: str, inventory: Mapping[str, Any], root: Path, report: Mapping[str, Any]
) -> int:
    """Enter what a night took; the same night again, or one that took the same, leaves the files as they are.

    Args:
        ledger: the ledger's folder.
        as_of: the night.
        inventory: landing.json.
        root: the landing root.
        report: ingest.json.

    Returns:
        How many files are new.
    """
    where = {"root": inventory["root"], "format": inventory["format"]}
    entries = read_lines(ledger / FILE)
    before = files_in_manifest(entries, **where)
    landed = {_shown(f): {"path": _shown(f), "bytes": f["bytes"], "sha256": f["sha256"]} for f in inventory["files"]}
    files = [landed[file["path"]] | {key: file[key] for key in _TOLD} for file in report["files"]]
    for counts in (report, *files):
        settled = counts["accepted"] + counts["duplicate"] + counts["quarantined"]
        assert counts["read"] == settled, f"{counts['read']} rows read, {settled} accounted for"
    known = {path: {k: v for k, v in file.items() if k != "taken"} for path, file in before.items()}
    entry = {
        "kind": "night",
        "as_of": as_of,
        **where,
        **{key: report[key] for key in TOTALS},
        "n_files": len(files),
        "files": [file for file in files if known.get(file["path"]) != file],
        "withdrawn": sorted(path for path in before.keys() - landed.keys() if not (root / path).exists()),
    }
    nights = [e for e in entries if e["kind"] == "night" and e["as_of"] == as_of]
    if entry["files"] or entry["withdrawn"] or not nights:
        write_lines(ledger / FILE, [*entries, entry])
    return len(landed.keys() - before.keys())


def forget(ledger: Path, gone: Callable[[str], bool]) -> None:
    """Take files out of the ledger whose very names must go; the totals of nights stay as they were."""
    entries = read_lines(ledger / FILE)
    kept = [
        entry
        if entry["kind"] != "night"
        else entry
        | {
            "files": [file for file in entry["files"] if not gone(file["path"])],
            "withdrawn": [path for path in entry["withdrawn"] if not gone(path)],
        }
        for entry in entries
        if entry["kind"] == "night" or not gone(entry["path"])
    ]
    if kept != entries:
        write_lines(ledger / FILE, kept)


def accept(ledger: Path, found: Sequence[Finding], *, root: str, format: str, by: str, reason: str, when: str) -> None:
    """Enter that findings are right: the next night takes the files as they are now."""
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
    append(ledger / FILE, *fresh)


def _shown(file: Mapping[str, Any]) -> str:
    return str(file.get("shown", file["path"]))
