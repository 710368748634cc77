"""Great Expectations on the plays that the night may see, and on what ingest put aside."""

import datetime as dt
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ValidationFailed
from pipeline.io.expectations import Expect, check
from pipeline.io.kept import Kept, code_of, key_of
from pipeline.io.tables import read_json, write_json
from pipeline.logs.reading import MAX_MS, NO_FAULT
from pipeline.params import ValidationParams
from pipeline.stages.context import Context

# How players write that they do not know the artist, in lower case.
UNKNOWN_ARTISTS = ("unknown artist", "unknown", "[unknown]", "<unknown>")
_TEXTS = ("listener_id", "artist_id", "track_id", "artist_name", "track_name")


def run(context: Context) -> str:
    report = validate(
        plays=context.layout.plays,
        days=context.layout.days,
        kept=context.layout.kept,
        ingest_report=context.layout.ingest_report,
        as_of=context.as_of,
        params=context.params.validation,
        max_quarantine_share=context.params.ingest.max_quarantine_share,
    )
    write_json(context.layout.validation_report, report)
    if report["failures"]:
        raise ValidationFailed(
            f"the night's data failed {len(report['failures'])} checks: {'; '.join(report['failures'])}",
            expected="data within the bounds of `validation` and `ingest` in params.yaml",
            fix="Look at data/quarantine.parquet and data/ingest.json, mend the logs, or change the bound.",
        )
    return f"{report['n_expectations']} expectations hold for {report['plays']:,} plays of {report['days']} days"


def validate(
    *,
    plays: Path,
    days: Path,
    kept: Path,
    ingest_report: Path,
    as_of: dt.date,
    params: ValidationParams,
    max_quarantine_share: float,
) -> dict[str, Any]:
    """validation.json: what was expected and what failed; aggregates alone, no listener and no title.

    Args:
        plays: folder of PLAYS; what lies on or after `as_of` is not looked at.
        days: days.json of the plays.
        kept: folder of what earlier runs found.
        ingest_report: ingest.json.
        as_of: the night.
        params: bounds.
        max_quarantine_share: of all rows that were read.
    """
    import pandas as pd

    by_day = daily_aggregates(plays, read_json(days), as_of=as_of, kept=Kept(kept / "aggregates"))
    landed = read_json(ingest_report)
    n_plays, n_unknown = int(by_day["plays"].sum()), int(by_day["unknown_artists"].sum())
    night = {
        "plays": n_plays,
        "days": by_day.height,
        "unknown_artist_share": n_unknown / n_plays if n_plays else None,
        "quarantine_share": _faulty(landed) / landed["read"] if landed["read"] else None,
    }
    night_suite = _night_suite(night, params, max_quarantine_share, _worst_file(landed))
    suites = [
        check(pd.DataFrame([night]), night_suite, name="night", nullable={"unknown_artist_share"}),
        check(pd.DataFrame(_file_counts(landed)), _file_suite(), name="landed files", label="path"),
        check(
            pd.DataFrame(by_day.to_dict(as_series=False)),
            _day_suite(),
            name="days",
            label="day",
            nullable={"min_ms", "max_ms"},
        ),
    ]
    failures = [f"{suite.name}: {failure}" for suite in suites for failure in suite.failures]
    return {
        **night,
        "n_expectations": sum(suite.n_expectations for suite in suites),
        "failures": failures,
        "suites": [suite.as_json() for suite in suites],
    }


def daily_aggregates(plays: Path, days: Mapping[str, str], *, as_of: dt.date, kept: Kept) -> pl.DataFrame:
    """One row a day before `as_of`, by day: counts, bounds and faults, computed once so that the suite is cheap.

    Args:
        plays: folder of PLAYS.
        days: for each day, a digest of what its plays were made from.
        as_of: the night; folders of it and of later days are not even opened.
        kept: what earlier runs found.

    Returns:
        `day` (text), `plays`, `listeners`, `empty_texts`, `unknown_artists`, `min_ms`, `max_ms`, `misplaced` (plays of
        another day than their folder's).
    """
    code = code_of(Path(__file__))
    keys = {day: key_of(code, day, made_from) for day, made_from in sorted(days.items())}
    visible = [day for day in keys if day < as_of.isoformat()]
    rows = [
        kept.find(keys[day]) or kept.make(keys[day], partial(_aggregate, plays=plays / f"day={day}")) for day in visible
    ]
    kept.forget_others(set(keys.values()))
    return pl.DataFrame(rows, schema=_EMPTY_DAYS.schema)


_EMPTY_DAYS = pl.DataFrame(
    schema={
        "day": pl.String,
        **dict.fromkeys(("plays", "listeners", "empty_texts", "unknown_artists"), pl.Int64),
        **dict.fromkeys(("min_ms", "max_ms", "misplaced"), pl.Int64),
    }
)


def _aggregate(_folder: Path, *, plays: Path) -> dict[str, Any]:
    day = plays.name.removeprefix("day=")
    texts = [pl.col(name).is_null() | (pl.col(name) == "") for name in _TEXTS]
    return (
        pl.scan_parquet(plays / "*.parquet", hive_partitioning=False)
        .select(
            pl.lit(day).alias("day"),
            pl.len().alias("plays"),
            pl.col("listener_id").n_unique().alias("listeners"),
            pl.any_horizontal(texts).sum().alias("empty_texts"),
            pl.col("artist_name").str.to_lowercase().is_in(UNKNOWN_ARTISTS).sum().alias("unknown_artists"),
            pl.col("ms_played").min().alias("min_ms"),
            pl.col("ms_played").max().alias("max_ms"),
            (pl.col("played_at").dt.date().cast(pl.String) != day).sum().alias("misplaced"),
        )
        .cast(_EMPTY_DAYS.schema)
        .collect()
        .row(0, named=True)
    )


def _night_suite(night: dict[str, Any], params: ValidationParams, max_share: float, worst: str) -> list[Expect]:
    unknown, quarantined = night["unknown_artist_share"] or 0.0, night["quarantine_share"] or 0.0
    return [
        _within(
            "plays",
            f"at least {params.min_plays:,} plays before the night (there are {night['plays']:,})",
            at_least=params.min_plays,
        ),
        _within(
            "unknown_artist_share",
            f"at most {params.max_unknown_artist_share:.2%} of plays by an unknown artist (it is {unknown:.2%})",
            at_most=params.max_unknown_artist_share,
        ),
        _within(
            "quarantine_share",
            f"at most {max_share:.2%} of rows in quarantine (it is {quarantined:.2%}{worst})",
            at_most=max_share,
        ),
    ]


def _file_suite() -> list[Expect]:
    return [
        Expect("ColumnValuesToBeUnique", "each file is counted once", {"column": "path"}),
        _within("unaccounted", "read = accepted + duplicate + quarantined", at_least=0, at_most=0),
        _within("lost", "something of each file can be read", at_least=0, at_most=0),
    ]


def _day_suite() -> list[Expect]:
    return [
        Expect("ColumnValuesToBeUnique", "each day is there once", {"column": "day"}),
        _within("plays", "each day has plays", at_least=1),
        _within("listeners", "each day has listeners", at_least=1),
        _within("empty_texts", "no empty id or name", at_least=0, at_most=0),
        _within("misplaced", "plays lie in the folder of their day", at_least=0, at_most=0),
        _within("min_ms", "no negative duration", at_least=0),
        _within("max_ms", "no play of more than a week", at_most=MAX_MS),
    ]


def _within(column: str, says: str, *, at_least: float | None = None, at_most: float | None = None) -> Expect:
    return Expect("ColumnValuesToBeBetween", says, {"column": column, "min_value": at_least, "max_value": at_most})


def _file_counts(landed: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "path": file["path"],
            "unaccounted": file["read"] - file["accepted"] - file["duplicate"] - file["quarantined"],
            "lost": int(_faulty(file) == file["read"] > 0),
        }
        for file in landed["files"]
    ]


def _faulty(counts: Mapping[str, Any]) -> int:
    """Rows in quarantine, of a file or in total, that are no fault of the logs, or landed again mended, left out."""
    no_fault = sum(n for reason, n in counts["reasons"].items() if reason in NO_FAULT)
    return int(counts["quarantined"] - no_fault - counts.get("replayed", 0))


def _worst_file(landed: dict[str, Any]) -> str:
    """Which file most of the quarantine comes from."""
    worst = max(landed["files"], key=_faulty, default=None)
    if worst is None or not _faulty(worst):
        return ""
    reasons = {reason: n for reason, n in worst["reasons"].items() if reason not in NO_FAULT}
    reason = max(reasons, key=reasons.__getitem__)
    return f"; most from {worst['path']}: {_faulty(worst):,} of {worst['read']:,}, first of all {reason!r}"
