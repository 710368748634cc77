"""Stage validate: Great Expectations on the plays that the night may see, and on what ingest put aside."""

import datetime as dt
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ValidationFailed
from pipeline.params.validation import ValidationParams
from pipeline.stages.context import Context
from pipeline.storage.cache import Kept
from pipeline.storage.tables import SET_ASIDE, read_json, write_json, write_table
from pipeline.validation import days as day_table
from pipeline.validation.bots import bot_facts, bot_suite, set_aside
from pipeline.validation.daily import daily_facts
from pipeline.validation.days import day_suite
from pipeline.validation.drift import drift_facts, drift_suite
from pipeline.validation.expectations import check, checkpoint
from pipeline.validation.files import file_facts, file_suite
from pipeline.validation.night import night_facts, night_suite
from pipeline.validation.volume import volume_facts, volume_suite


def run(context: Context) -> str:
    """Write validation.json, and who is set aside.

    Raises:
        ValidationFailed: an expectation that stops the night is not met; the report says the same.
    """
    report, aside = validate(
        plays=context.layout.plays,
        days=context.layout.days,
        kept=context.layout.kept,
        ingest_report=context.layout.ingest_report,
        as_of=context.as_of,
        decision_from=context.decision_from,
        params=context.params.validation,
        max_quarantine_share=context.params.ingest.max_quarantine_share,
    )
    write_table(context.layout.set_aside, aside.to_arrow(), SET_ASIDE)
    write_json(context.layout.validation_report, report)
    if report["failures"]:
        raise ValidationFailed(
            f"the night's data failed {len(report['failures'])} checks: {'; '.join(report['failures'])}",
            expected="data within the bounds of `validation` and `ingest` in params.yaml",
            fix="Look at data/quarantine.parquet and data/ingest.json, mend the logs, or change the bound.",
        )
    return (
        f"{report['n_expectations']} expectations of {report['plays']:,} plays of {report['days']} days: "
        f"{len(report['warnings'])} warnings, {len(report['undecided'])} undecided; {aside.height} listeners set aside"
    )


def validate(
    *,
    plays: Path,
    days: Path,
    kept: Path,
    ingest_report: Path,
    as_of: dt.date,
    decision_from: dt.date,
    params: ValidationParams,
    max_quarantine_share: float,
) -> tuple[dict[str, Any], pl.DataFrame]:
    """validation.json: what was expected and what became of it, aggregates alone, no listener and no title; and
    SET_ASIDE.

    Args:
        plays: folder of PLAYS; what lies on or after `as_of` is not looked at.
        days: days.json of the plays.
        kept: folder of what earlier runs found.
        ingest_report: ingest.json.
        as_of: the night.
        decision_from: first day of the decision window.
        params: bounds.
        max_quarantine_share: of all rows that were read.
    """
    import pandas as pd

    by_day = daily_facts(plays, read_json(days), as_of=as_of, kept=Kept(kept / "aggregates"), bots=params.bots)
    landed, aside = read_json(ingest_report), set_aside(by_day, params.bots)
    night = night_facts(by_day, landed)
    volume = volume_facts(by_day, as_of=as_of, params=params)
    drift = drift_facts(by_day, as_of=as_of, decision_from=decision_from, params=params)
    bots = bot_facts(aside, by_day, min_listeners=params.min_listeners)
    table = pd.DataFrame([{name: day[name] for name in day_table.COLUMNS} for day in by_day], columns=day_table.COLUMNS)
    suites = [
        check(
            pd.DataFrame([night]),
            night_suite(night, params, max_quarantine_share=max_quarantine_share, landed=landed),
            name="night",
            nullable={"unknown_artist_share"},
        ),
        check(pd.DataFrame(file_facts(landed)), file_suite(), name="landed files", label="path"),
        check(table, day_suite(), name="days", label="day", nullable=day_table.NULLABLE),
        check(
            pd.DataFrame([volume]),
            volume_suite(volume, params),
            name="volume",
            nullable={"plays_ratio", "listeners_ratio", "age_days"},
        ),
        check(pd.DataFrame([drift]), drift_suite(drift, params), name="drift", nullable=drift.keys()),
        check(pd.DataFrame([bots]), bot_suite(bots, params.bots), name="bots", nullable={"set_aside_share"}),
    ]
    return night | {"volume": volume, "drift": drift, "bots": bots} | checkpoint(suites, as_of=as_of), aside
