"""Landed files: what ingest read of each."""

from collections.abc import Mapping
from typing import Any

from pipeline.io.expectations import Expect, within
from pipeline.logs.reading import Reason


def file_facts(landed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each file of ingest.json: `path`, `unaccounted` rows, and whether all of it is `lost`."""
    return [
        {
            "path": file["path"],
            "unaccounted": file["read"] - file["accepted"] - file["duplicate"] - file["quarantined"],
            "lost": int(faulty(file) == file["read"] > 0),
        }
        for file in landed["files"]
    ]


def file_suite() -> list[Expect]:
    return [
        Expect("ColumnValuesToBeUnique", "each file is counted once", {"column": "path"}),
        within("unaccounted", "read = accepted + duplicate + quarantined", at_least=0, at_most=0),
        within("lost", "something of each file can be read", at_least=0, at_most=0),
    ]


def faulty(counts: Mapping[str, Any]) -> int:
    """Rows in quarantine, of a file or in total, that are no fault of the logs left out."""
    return int(counts["quarantined"] - counts["reasons"].get(Reason.NOT_MUSIC, 0))


def worst_file(landed: Mapping[str, Any]) -> str:
    """Which file most of the quarantine comes from."""
    worst = max(landed["files"], key=faulty, default=None)
    if worst is None or not faulty(worst):
        return ""
    reasons = {reason: n for reason, n in worst["reasons"].items() if reason != Reason.NOT_MUSIC}
    reason = max(reasons, key=reasons.__getitem__)
    return f"; most from {worst['path']}: {faulty(worst):,} of {worst['read']:,}, first of all {reason!r}"
