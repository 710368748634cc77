"""Expectations of days, landed files and the fallback list: each is broken once."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from pipeline.logs.reading import MAX_MS
from pipeline.storage.schemas import FALLBACK, ITEM_MAP
from pipeline.validation.days import COLUMNS, NULLABLE, day_suite
from pipeline.validation.expectations import check
from pipeline.validation.files import file_facts, file_suite
from pipeline.validation.lists import fallback_facts, fallback_suite
from tests.validation.days_of import FEBRUARY, day

FILE = {"path": "a.jsonl", "read": 9, "accepted": 5, "duplicate": 3, "quarantined": 1, "reasons": {"not JSON": 1}}
ITEMS = pa.Table.from_pylist(
    [{"item_id": i, "item_name": i.upper(), "n_listeners": 1} for i in "abcd"], schema=ITEM_MAP
)


def days(**changes: Any) -> tuple[str, ...]:
    frame = pd.DataFrame([day(FEBRUARY[0]), day(FEBRUARY[1], **changes)])[list(COLUMNS)]
    return check(frame, day_suite(), name="days", label="day", nullable=NULLABLE).failures


def test_valid_days_pass() -> None:
    assert days() == ()
    assert days(min_ms=None, max_ms=None) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"plays": 0}, "each day has plays"),
        ({"listeners": 0}, "each day has listeners"),
        ({"empty_texts": 1}, "no empty id or name"),
        ({"misplaced": 1}, "plays lie in the folder of their day"),
        ({"min_ms": -1}, "no negative duration"),
        ({"max_ms": MAX_MS + 1}, "no play is longer than a week"),
    ],
)
def test_a_faulty_day_is_named(changes: dict[str, int], said: str) -> None:
    assert days(**changes) == (f"{said} (not met by day 2026-02-02)",)


def test_a_duplicate_day_is_named() -> None:
    assert days(day="2026-02-01") == ("each day occurs once (not met by day 2026-02-01, 2026-02-01)",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"accepted": 4}, "read = accepted + duplicate + quarantined (not met by path b.jsonl)"),
        ({"accepted": 6}, "read = accepted + duplicate + quarantined (not met by path b.jsonl)"),
        (
            {"accepted": 0, "duplicate": 0, "quarantined": 9, "reasons": {"not JSON": 9}},
            "each file has readable rows (not met by path b.jsonl)",
        ),
        ({"path": "a.jsonl"}, "each file is counted once (not met by path a.jsonl, a.jsonl)"),
    ],
)
def test_a_faulty_file_is_named(changes: dict[str, Any], said: str) -> None:
    facts = file_facts({"format": "netgain", "files": [FILE, FILE | {"path": "b.jsonl"} | changes]})
    assert check(pd.DataFrame(facts), file_suite(), name="files", label="path").failures == (said,)


def fallback(rows: list[tuple[int, str, float, str]]) -> tuple[str, ...]:
    table = pa.Table.from_pylist(
        [{"rank": r, "item_id": i, "item_name": i, "score": s, "reason": why} for r, i, s, why in rows], schema=FALLBACK
    )
    return check(fallback_facts(table, items=ITEMS, n_items=2), fallback_suite(), name="fallback").failures


@pytest.mark.parametrize(
    ("second", "said"),
    [
        ((2, "b", 0.5, "popular"), None),
        ((3, "b", 0.5, "popular"), "without gap"),
        ((2, "a", 0.5, "popular"), "distinct"),
        ((2, "z", 0.5, "popular"), "in the catalogue"),
        ((2, "b", 1.5, "popular"), "do not rise"),
        ((2, "b", float("nan"), "popular"), "finite"),
        ((2, "b", 0.5, " "), "has a reason"),
    ],
)
def test_faults_of_the_fallback_list_are_found(second: tuple[int, str, float, str], said: str | None) -> None:
    failures = fallback([(1, "a", 1.0, "popular"), second])
    assert failures == () if said is None else any(said in line for line in failures)


def test_a_short_or_missing_fallback_list_is_found() -> None:
    assert any("the requested length" in line for line in fallback([(1, "a", 1.0, "popular")]))
    assert fallback([]) == ("the frame has no rows",)
