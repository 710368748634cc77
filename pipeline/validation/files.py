"""Landed files: what ingest read of each."""

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from pipeline.logs.reasons import NO_FAULT
from pipeline.validation.expectations import Expect, within


def file_facts(landed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each file of ingest.json: `path` as it may be told, `unaccounted` rows, and whether all of it is
    `lost`."""
    return [
        {
            "path": _told(n, landed),
            "unaccounted": file["read"] - file["accepted"] - file["duplicate"] - file["quarantined"],
            "lost": int(faulty(file) == file["read"] > 0),
        }
        for n, file in enumerate(landed["files"])
    ]


def file_suite() -> list[Expect]:
    return [
        Expect("ColumnValuesToBeUnique", "each file is counted once", {"column": "path"}),
        within("unaccounted", "read = accepted + duplicate + quarantined", at_least=0, at_most=0),
        within("lost", "something of each file can be read", at_least=0, at_most=0),
    ]


def faulty(counts: Mapping[str, Any]) -> int:
    """Rows in quarantine, of a file or in total, that are no fault of the logs, or landed again mended, left out."""
    no_fault = sum(n for reason, n in counts["reasons"].items() if reason in NO_FAULT)
    return int(counts["quarantined"] - no_fault - counts.get("replayed", 0))


def worst_file(landed: Mapping[str, Any]) -> str:
    """Which file most of the quarantine comes from."""
    files = landed["files"]
    n = max(range(len(files)), key=lambda n: faulty(files[n]), default=None)
    if n is None or not faulty(worst := files[n]):
        return ""
    reasons = {reason: n for reason, n in worst["reasons"].items() if reason not in NO_FAULT}
    reason = max(reasons, key=reasons.__getitem__)
    return f"; most from {_told(n, landed)}: {faulty(worst):,} of {worst['read']:,}, first of all {reason!r}"


def _told(n: int, landed: Mapping[str, Any]) -> str:
    """The path of the n-th file; without its folders where these are a listener's name."""
    path = str(landed["files"][n]["path"])
    name = PurePosixPath(path).name
    if not landed.get("own_folders") or name == path:
        return path
    return f"{name} (file {n + 1} of data/ingest.json)"
