"""Stage prepare: counted plays by day, listener and item."""

import datetime as dt
import tempfile
from pathlib import Path

import polars as pl

from pipeline.engine.executor import Executor
from pipeline.features.daily import NAMES, DayTask, aggregate_day, item_names
from pipeline.io.tables import ITEMS, read_table, write_table
from pipeline.params import InteractionParams
from pipeline.stages.context import Context


def run(context: Context) -> str:
    """Read the plays that the night may see and that are young enough; write their daily counts."""
    from pipeline.engine.choose import executor_for

    layout = context.layout
    with executor_for("logs", context.settings) as executor:
        n_plays, n_counted, n_days = prepare(
            context.params.interactions,
            as_of=context.as_of,
            plays=layout.plays,
            daily=layout.daily,
            items=layout.items,
            executor=executor,
        )
    return f"prepare: {n_counted:,} of {n_plays:,} plays count, over {n_days} days before {context.as_of}"


def prepare(
    params: InteractionParams, *, as_of: dt.date, plays: Path, daily: Path, items: Path, executor: Executor
) -> tuple[int, int, int]:
    """Aggregate each visible day; returns (plays, counted plays, days)."""
    first = as_of - dt.timedelta(days=params.history_days)
    days = [folder for folder in sorted(plays.glob("day=*")) if first <= _day(folder) < as_of]
    daily.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=items.parent, prefix=".names-") as scratch:
        tasks = [
            DayTask(
                plays=str(folder),
                counts=str(daily / f"{folder.name}.parquet"),
                names=str(Path(scratch) / f"{folder.name}.parquet"),
                item=params.item,
                min_ms_played=round(params.min_seconds_played * 1000),
            )
            for folder in days
        ]
        results = executor.map(aggregate_day, tasks)
        names = pl.DataFrame(read_table(Path(scratch), NAMES))
    write_table(items, item_names(names).to_arrow(), ITEMS)
    return sum(r["n_plays"] for r in results), sum(r["n_counted"] for r in results), len(days)


def _day(folder: Path) -> dt.date:
    return dt.date.fromisoformat(folder.name.removeprefix("day="))
