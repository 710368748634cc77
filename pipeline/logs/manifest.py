"""The manifest of landed files: what each night read, with its counts, and which files changed since.

Three kinds of entries in the table `landed`. `night`: the totals of a night, and the files whose content or counts
differ from the night before. `accepted`: an operator confirms that a file may differ from what was read, or be gone.
`replayed`: rows in quarantine landed again, mended, in another file.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY
from pipeline.logs.landing import is_there
from pipeline.state.location import Where
from pipeline.state.rows import append, entries, transaction

TABLE = "landed"
TOTALS = ("read", "accepted", "duplicate", "quarantined")
_TOLD = (*TOTALS, "replayed", "reasons", "repairs", "first_played_at", "last_played_at")
_SHOWN = 3

Entry = dict[str, Any]
Files = dict[str, Entry]
"""By path: bytes, sha256, the counts of the last night, and `taken`, the first night that read this content."""


@dataclass(frozen=True)
class Finding:
    """A landed file that changed since a night read it, or is gone.

    Attributes:
        path: relative to the landing root, a listener's own folder as its token.
        taken: the night that read it first.
        sha256: of its present content; None if it is gone.
    """

    path: str
    taken: str
    sha256: str | None

    def __str__(self) -> str:
        return f"{self.path} {'changed' if self.sha256 else 'is gone'} since the night {self.taken}"


def files_in_manifest(recorded: Iterable[Entry], *, root: str, format: str) -> Files:
    """Return the files of a landing root as they were read last."""
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
            # No night has read this content yet: the next one enters it.
            known = {"path": entry["path"], "last_played_at": files[entry["path"]]["last_played_at"]}
            files[entry["path"]] = known | {"sha256": entry["sha256"], "taken": ""}
    return files


def findings(
    where: Where, inventory: Mapping[str, Any], *, root: Path, needed_from: dt.date, key: bytes = OPEN_KEY
) -> list[Finding]:
    """Return the files that earlier nights read and that changed since or are gone.

    Args:
        where: the store.
        inventory: landing.json.
        root: the landing root.
        needed_from: the first day that the night uses; a file with older plays only may be deleted.
        key: of the tokens that stand for listeners' own folders.
    """
    now = {shown_of(file): file["sha256"] for file in inventory["files"]}
    found = []
    taken = files_in_manifest(entries(where, TABLE), root=inventory["root"], format=inventory["format"])
    for path, file in taken.items():
        if path in now:
            if now[path] != file["sha256"]:
                found.append(Finding(path, file["taken"], now[path]))
        elif (file["last_played_at"] or "") >= needed_from.isoformat() and not is_there(root, path, key):
            found.append(Finding(path, file["taken"], None))
    return found


def refuse(found: Sequence[Finding]) -> None:
    """Stop a night that would read other logs than earlier nights did.

    Raises:
        LandingError: there are findings.
    """
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise LandingError(
            f"{', '.join(map(str, found[:_SHOWN]))}{more}",
            expected="landed files as earlier nights read them",
            fix="Restore them and land corrections under new names, or accept the change: `netgain landed accept`.",
        )


def enter_night(
    where: Where,
    *,
    as_of: str,
    inventory: Mapping[str, Any],
    root: Path,
    report: Mapping[str, Any],
    key: bytes = OPEN_KEY,
) -> int:
    """Enter what a night read. Repeating a night, or a night that read the same, changes nothing about files.

    Args:
        where: the store.
        as_of: the night.
        inventory: landing.json.
        root: the landing root.
        report: ingest.json.
        key: as of `findings`.

    Returns:
        The number of new files.
    """
    source = {"root": inventory["root"], "format": inventory["format"]}
    landed = {
        shown_of(f): {"path": shown_of(f), "bytes": f["bytes"], "sha256": f["sha256"]} for f in inventory["files"]
    }
    files = [landed[file["path"]] | {key: file[key] for key in _TOLD} for file in report["files"]]
    for counts in (report, *files):
        settled = counts["accepted"] + counts["duplicate"] + counts["quarantined"]
        assert counts["read"] == settled, f"{counts['read']} rows read, {settled} accounted for"
    with transaction(where) as state:
        recorded = state.entries(TABLE)
        before = files_in_manifest(recorded, **source)
        known = {path: {k: v for k, v in file.items() if k != "taken"} for path, file in before.items()}
        entry = {
            "kind": "night",
            "as_of": as_of,
            **source,
            **{key: report[key] for key in TOTALS},
            "n_files": len(files),
            "files": [file for file in files if known.get(file["path"]) != file],
            "withdrawn": sorted(path for path in before.keys() - landed.keys() if not is_there(root, path, key)),
        }
        nights = [e for e in recorded if e["kind"] == "night" and e["as_of"] == as_of]
        if entry["files"] or entry["withdrawn"] or not nights:
            state.append(TABLE, entry)
    return len(landed.keys() - before.keys())


def forget(where: Where, gone: Callable[[str], bool]) -> None:
    """Remove files from the manifest whose names must be erased; the totals of nights stay."""
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
    """Record that changes are intended: the next night reads the files as they are now."""
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


def shown_of(file: Mapping[str, Any]) -> str:
    """Return the path in tables and reports of a file of landing.json."""
    return str(file.get("shown", file["path"]))
