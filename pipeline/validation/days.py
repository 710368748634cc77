"""Expectations of every day of plays."""

from pipeline.logs.reading import MAX_MS
from pipeline.validation.expectations import Expect, within

COLUMNS = ("day", "plays", "listeners", "empty_texts", "misplaced", "min_ms", "max_ms")
"""The columns of a day's facts that the suite checks."""
NULLABLE = ("min_ms", "max_ms")
"""Null if a log has no durations."""


def day_suite() -> list[Expect]:
    """Return the expectations of each day."""
    return [
        Expect("ColumnValuesToBeUnique", "each day occurs once", {"column": "day"}),
        within("plays", "each day has plays", at_least=1),
        within("listeners", "each day has listeners", at_least=1),
        within("empty_texts", "no empty id or name", at_least=0, at_most=0),
        within("misplaced", "plays lie in the folder of their day", at_least=0, at_most=0),
        within("min_ms", "no negative duration", at_least=0),
        within("max_ms", "no play is longer than a week", at_most=MAX_MS),
    ]
