"""Stage prepare: counted plays by day, listener and item."""

import datetime as dt
from pathlib import Path

import polars as pl

from pipeline.engine.executor import Executor
from pipeline.engine.once import done
from pipeline.features import daily as daily_kernel
from pipeline.features.daily import COUNTS_FILE, NAMES, NAMES_FILE, DayTask, aggregate_day, item_names
from pipeline.io.kept import Kept, code_of, key_of, link
from pipeline.io.tables import ITEMS, read_json, write_table
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
            days=layout.days,
            daily=layout.daily,
            items=layout.items,
            kept=layout.kept,
            executor=executor,
        )
    return f"prepare: {n_counted:,} of {n_plays:,} plays count, over {n_days} days before {context.as_of}"


def prepare(
    params: InteractionParams,
    *,
    as_of: dt.date,
    plays: Path,
    days: Path,
    daily: Path,
    items: Path,
    kept: Path,
    executor: Executor,
) -> tuple[int, int, int]:
    """Aggregate each visible day that was not aggregated before; returns (plays, counted plays, days)."""
    first = (as_of - dt.timedelta(days=params.history_days)).isoformat()
    made = Kept(kept / "daily")
    code = [code_of(Path(daily_kernel.__file__)), params.item, params.min_seconds_played]
    keys = {day: key_of(code, day, made_from) for day, made_from in sorted(read_json(days).items())}
    tasks = [
        DayTask(
            key=key,
            plays=plays / f"day={day}",
            kept=made.folder,
            item=params.item,
            min_ms_played=round(params.min_seconds_played * 1000),
        )
        for day, key in keys.items()
        if first <= day < as_of.isoformat()
    ]
    results = done(tasks, made, aggregate_day, executor)
    daily.mkdir(parents=True, exist_ok=True)
    for task in tasks:
        link(made.at(task.key) / COUNTS_FILE, daily / f"{task.plays.name}.parquet")
    names = [pl.read_parquet(made.at(task.key) / NAMES_FILE) for task in tasks]
    write_table(items, item_names(pl.concat([pl.DataFrame(NAMES.empty_table()), *names])).to_arrow(), ITEMS)
    made.forget_others(set(keys.values()))
    return sum(r["n_plays"] for r in results), sum(r["n_counted"] for r in results), len(tasks)
