"""Stage prepare: counted plays by day, listener and item, of listeners who are not set aside."""

import datetime as dt
from pathlib import Path

import polars as pl

from pipeline.features import daily as daily_kernel
from pipeline.features.daily import COUNTS_FILE, NAMES, NAMES_FILE, DayTask, aggregate_day, item_names
from pipeline.params.interactions import InteractionParams
from pipeline.runtime.cached_map import done
from pipeline.runtime.executor import Executor
from pipeline.stages.context import Context
from pipeline.storage.cache import Kept, Result, code_of, key_of, link
from pipeline.storage.tables import DAILY, ITEMS, SET_ASIDE, read_json, read_table, write_table


def run(context: Context) -> str:
    """Read the plays that the night may see and that are young enough; write their daily counts."""
    from pipeline.runtime.choose import executor_for

    layout = context.layout
    with executor_for("logs", context.settings) as executor:
        n_plays, n_counted, n_aside, n_days = prepare(
            context.params.interactions,
            as_of=context.as_of,
            plays=layout.plays,
            days=layout.days,
            set_aside=layout.set_aside,
            daily=layout.daily,
            items=layout.items,
            kept=layout.kept,
            executor=executor,
        )
    return (
        f"prepare: {n_counted:,} of {n_plays:,} plays count, over {n_days} days before {context.as_of}; "
        f"{n_aside:,} more are of listeners set aside"
    )


def prepare(
    params: InteractionParams,
    *,
    as_of: dt.date,
    plays: Path,
    days: Path,
    set_aside: Path,
    daily: Path,
    items: Path,
    kept: Path,
    executor: Executor,
) -> tuple[int, int, int, int]:
    """Aggregate each visible day that was not aggregated before, and leave out who is set aside.

    Returns:
        Plays, counted plays, plays that would count but for that, days.
    """
    first = (as_of - dt.timedelta(days=params.history_days)).isoformat()
    made, without = Kept(kept / "daily"), Kept(kept / "daily-without")
    aside = pl.DataFrame(read_table(set_aside, SET_ASIDE))["listener_id"]
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
    theirs = _plays_of(aside, [made.at(task.key) / COUNTS_FILE for task in tasks])
    cleaned = {
        task.key: _leave_out(theirs[day], task, made, without)
        for task in tasks
        if (day := task.plays.name.removeprefix("day=")) in theirs
    }
    for task in tasks:
        found = cleaned.get(task.key)
        source = made.at(task.key) if found is None else without.at(found[0])
        link(source / COUNTS_FILE, daily / f"{task.plays.name}.parquet")
    without.forget_others({key for key, _ in cleaned.values()})
    files = [made.at(task.key) / NAMES_FILE for task in tasks]
    names = pl.read_parquet(files) if files else pl.DataFrame(NAMES.empty_table())
    write_table(items, item_names(names).to_arrow(), ITEMS)
    made.forget_others(set(keys.values()))
    n_aside = sum(n for _, n in cleaned.values())
    return sum(r["n_plays"] for r in results), sum(r["n_counted"] for r in results) - n_aside, n_aside, len(tasks)


def _plays_of(aside: pl.Series, counts: list[Path]) -> dict[str, pl.DataFrame]:
    """Counted plays of who is set aside, on the days on which they have some: listener_id, n_plays."""
    if not len(aside) or not counts:
        return {}
    theirs = pl.scan_parquet(counts).filter(pl.col("listener_id").is_in(aside.implode()))
    found = theirs.group_by("day", "listener_id").agg(pl.col("n_plays").sum()).sort("day", "listener_id").collect()
    return {str(day): part for (day,), part in found.partition_by("day", as_dict=True, include_key=False).items()}


def _leave_out(theirs: pl.DataFrame, task: DayTask, made: Kept, without: Kept) -> tuple[str, int]:
    """The key of a day's counts without those listeners, and the plays left out.

    Who is set aside is of the night, not of the day: so the kept counts are of everybody, and a day is written again
    only when others of its listeners are set aside than before.
    """
    key = key_of(task.key, theirs["listener_id"].to_list())

    def build(folder: Path) -> Result:
        counts = pl.read_parquet(made.at(task.key) / COUNTS_FILE)
        left = counts.join(theirs, on="listener_id", how="anti", maintain_order="left")
        write_table(folder / COUNTS_FILE, left.to_arrow(), DAILY)
        return {}

    if without.find(key) is None:
        without.make(key, build)
    return key, int(theirs["n_plays"].sum())
