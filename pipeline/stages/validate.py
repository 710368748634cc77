"""Stage validate: Great Expectations on the plays before the night, and on what ingest quarantined."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pipeline.errors import ValidationFailed
from pipeline.params.interactions import PLACEHOLDERS
from pipeline.params.validation import ValidationParams
from pipeline.stages.context import Context
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.cache import Cache
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import EXCLUDED_LISTENERS
from pipeline.storage.tables import write_table
from pipeline.validation import days as day_table
from pipeline.validation.bots import bot_facts, bot_suite, excluded_listeners
from pipeline.validation.daily import daily_facts
from pipeline.validation.days import day_suite
from pipeline.validation.drift import drift_facts, drift_suite
from pipeline.validation.expectations import check, checkpoint
from pipeline.validation.files import file_facts, file_suite
from pipeline.validation.night import night_facts, night_suite
from pipeline.validation.volume import volume_facts, volume_suite

STAGE = StageSpec(
    desc="Check the plays that the night may see with Great Expectations; set bots aside",
    deps=(DATA.days, DATA.plays, DATA.ingest_report),
    params=(
        "validation",
        "ingest.max_quarantine_share",
        "interactions.placeholder_artists",
        "split.decision_days",
        AS_OF,
    ),
    outs=(DATA.excluded_listeners, DATA.validation_report),
)


def run(context: Context) -> str:
    """Write validation.json and the excluded listeners.

    Raises:
        ValidationFailed: an expectation that stops the night is not met; the report is written first.
    """
    report, excluded = validate(
        plays=context.layout.plays,
        days=context.layout.days,
        cache=context.layout.cache,
        ingest_report=context.layout.ingest_report,
        as_of=context.as_of,
        decision_from=context.decision_from,
        params=context.params.validation,
        max_quarantine_share=context.params.ingest.max_quarantine_share,
        placeholders=context.params.interactions.placeholder_artists,
    )
    write_table(context.layout.excluded_listeners, excluded.to_arrow(), EXCLUDED_LISTENERS)
    write_json(context.layout.validation_report, report)
    unseen = f"; {report['later']:,} plays are from {context.as_of} on, which it may not see" if report["later"] else ""
    if report["failures"]:
        raise ValidationFailed(
            f"the night's data failed {len(report['failures'])} checks: {'; '.join(report['failures'])}{unseen}",
            expected="data within the bounds of `validation` and `ingest` in params.yaml",
            fix="See data/quarantine.parquet and data/ingest.json, then correct the logs or change the bound.",
        )
    return (
        f"{report['n_expectations']} expectations of {report['plays']:,} plays of {report['days']} days: "
        f"{len(report['warnings'])} warnings, {len(report['undecided'])} undecided; "
        f"{excluded.height} listeners excluded{unseen}"
    )


def validate(
    *,
    plays: Path,
    days: Path,
    cache: Path,
    ingest_report: Path,
    as_of: dt.date,
    decision_from: dt.date,
    params: ValidationParams,
    max_quarantine_share: float,
    placeholders: Sequence[str] = PLACEHOLDERS,
) -> tuple[dict[str, Any], pl.DataFrame]:
    """Return validation.json and EXCLUDED_LISTENERS.

    validation.json holds each expectation with its outcome, and aggregates only: no listener's id and no title.

    Args:
        plays: folder of PLAYS; days from `as_of` on are not read.
        days: days.json of the plays.
        cache: folder of results of earlier runs.
        ingest_report: ingest.json.
        as_of: the night.
        decision_from: first day of the decision window.
        params: bounds.
        max_quarantine_share: bound of the share of quarantined rows among all rows read.
        placeholders: names in place of an artist.
    """
    import pandas as pd

    by_day = daily_facts(
        plays,
        read_json(days),
        as_of=as_of,
        cache=Cache(cache / "aggregates"),
        bots=params.bots,
        placeholders=placeholders,
    )
    ingested, excluded = read_json(ingest_report), excluded_listeners(by_day, params.bots)
    night = night_facts(by_day, ingested)
    volume = volume_facts(by_day, as_of=as_of, params=params)
    drift = drift_facts(by_day, as_of=as_of, decision_from=decision_from, params=params)
    bots = bot_facts(excluded, by_day, min_listeners=params.min_listeners)
    table = pd.DataFrame([{name: day[name] for name in day_table.COLUMNS} for day in by_day], columns=day_table.COLUMNS)
    suites = [
        check(
            pd.DataFrame([night]),
            night_suite(night, params, max_quarantine_share=max_quarantine_share, landed=ingested),
            name="night",
            nullable={"unknown_artist_share"},
        ),
        check(pd.DataFrame(file_facts(ingested)), file_suite(), name="landed files", label="path"),
        check(table, day_suite(), name="days", label="day", nullable=day_table.NULLABLE),
        check(
            pd.DataFrame([volume]),
            volume_suite(volume, params),
            name="volume",
            nullable={"plays_ratio", "listeners_ratio", "age_days"},
        ),
        check(pd.DataFrame([drift]), drift_suite(drift, params), name="drift", nullable=drift.keys()),
        check(pd.DataFrame([bots]), bot_suite(bots, params.bots), name="bots", nullable={"excluded_listener_share"}),
    ]
    unseen = {"later": ingested["accepted"] - night["plays"]}
    return night | unseen | {"volume": volume, "drift": drift, "bots": bots} | checkpoint(suites, as_of=as_of), excluded
