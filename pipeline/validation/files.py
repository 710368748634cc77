"""Expectations of landed files, from the counts of ingest."""

from collections.abc import Mapping
from typing import Any

from pipeline.logs.reasons import NO_FAULT
from pipeline.validation.expectations import Expect, within


def file_facts(landed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each file of ingest.json: `path`, `unaccounted` rows, and whether the
    whole file is `lost`."""
    return [
        {
            "path": file["path"],
            "unaccounted": file["read"] - file["accepted"] - file["duplicate"] - file["quarantined"],
            "lost": int(faulty(file) == file["read"] > 0),
        }
        for file in landed["files"]
    ]


def file_suite() -> list[Expect]:
    """Return the expectations of each landed file."""
    return [
        Expect("ColumnValuesToBeUnique", "each file is counted once", {"column": "path"}),
        within("unaccounted", "read = accepted + duplicate + quarantined", at_least=0, at_most=0),
        within("lost", "each file has readable rows", at_least=0, at_most=0),
    ]


def faulty(counts: Mapping[str, Any]) -> int:
    """Return the quarantined rows of a file or in total, without rows that are no fault of the logs or that were
    repaired and landed again."""
    no_fault = sum(n for reason, n in counts["reasons"].items() if reason in NO_FAULT)
    return int(counts["quarantined"] - no_fault - counts.get("replayed", 0))


def worst_file(landed: Mapping[str, Any]) -> str:
    """Return a phrase on the file with the most quarantined rows; empty if no file has any."""
    files = landed["files"]
    worst = max(files, key=faulty, default=None)
    if worst is None or not faulty(worst):
        return ""
    reasons = {reason: n for reason, n in worst["reasons"].items() if reason not in NO_FAULT}
    reason = max(reasons, key=reasons.__getitem__)
    return f"; most in {worst['path']}: {faulty(worst):,} of {worst['read']:,}, most often {reason!r}"
