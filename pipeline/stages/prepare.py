"""Stage prepare: count plays by day, listener and item, without the excluded listeners; and what followed what."""

import datetime as dt
from pathlib import Path

import polars as pl

from pipeline.features.daily import COUNTS_FILE, FOLLOWS_FILE, NAMES, NAMES_FILE, DayTask, aggregate_day, item_names
from pipeline.params.interactions import InteractionParams
from pipeline.runtime.cached_map import cached_map
from pipeline.runtime.code_closure import code_digest
from pipeline.runtime.executor import Executor
from pipeline.stages.context import Context
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.cache import Cache, Result, key_of, link
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import DAILY, DAILY_FOLLOWS, EXCLUDED_LISTENERS, ITEMS
from pipeline.storage.tables import read_table, write_table

STAGE = StageSpec(
    desc="Count plays by day, listener and item",
    deps=(DATA.days, DATA.plays, DATA.excluded_listeners, DATA.validation_report),
    params=("interactions", AS_OF),
    outs=(DATA.daily, DATA.follows, DATA.items),
)


def run(context: Context) -> str:
    """Write the daily counts of the plays within `history_days` before the night."""
    from pipeline.runtime.choose import executor_for

    layout = context.layout
    with executor_for("logs", context.settings) as executor:
        n_plays, n_counted, n_excluded, n_days = prepare(
            context.params.interactions,
            as_of=context.as_of,
            plays=layout.plays,
            days=layout.days,
            excluded_listeners=layout.excluded_listeners,
            daily=layout.daily,
            follows=layout.follows,
            items=layout.items,
            cache=layout.cache,
            executor=executor,
        )
    return (
        f"prepare: {n_counted:,} of {n_plays:,} plays count, over {n_days} days before {context.as_of}; "
        f"{n_excluded:,} more are of excluded listeners"
    )


def prepare(
    params: InteractionParams,
    *,
    as_of: dt.date,
    plays: Path,
    days: Path,
    excluded_listeners: Path,
    daily: Path,
    follows: Path,
    items: Path,
    cache: Path,
    executor: Executor,
) -> tuple[int, int, int, int]:
    """Aggregate each visible day that is not in the cache, and leave out the excluded listeners.

    Returns:
        The number of plays, of counted plays, of plays not counted because their listener is excluded, and of days.
    """
    first = (as_of - dt.timedelta(days=params.history_days)).isoformat()
    made, without = Cache(cache / "daily"), Cache(cache / "daily-without")
    excluded = pl.DataFrame(read_table(excluded_listeners, EXCLUDED_LISTENERS))["listener_id"]
    code = [code_digest(aggregate_day.__module__), params.item, params.min_seconds_played, params.placeholder_artists]
    code += [FOLLOWS_FILE] if params.order else []
    keys = {day: key_of(code, day, made_from) for day, made_from in sorted(read_json(days).items())}
    tasks = [
        DayTask(
            key=key,
            plays=plays / f"day={day}",
            cache=made.folder,
            item=params.item,
            min_ms_played=round(params.min_seconds_played * 1000),
            placeholders=params.placeholder_artists,
            order=params.order,
        )
        for day, key in keys.items()
        if first <= day < as_of.isoformat()
    ]
    results = cached_map(tasks, made, aggregate_day, executor)
    kept = {COUNTS_FILE: daily, FOLLOWS_FILE: follows} if params.order else {COUNTS_FILE: daily}
    for folder in (daily, follows):
        folder.mkdir(parents=True, exist_ok=True)
    theirs = _plays_of(excluded, [made.at(task.key) / COUNTS_FILE for task in tasks])
    cleaned = {
        task.key: _leave_out(theirs[day], task, made, without)
        for task in tasks
        if (day := task.plays.name.removeprefix("day=")) in theirs
    }
    for task in tasks:
        found = cleaned.get(task.key)
        source = made.at(task.key) if found is None else without.at(found[0])
        for file, folder in kept.items():
            link(source / file, folder / f"{task.plays.name}.parquet")
    without.forget_others({key for key, _ in cleaned.values()})
    files = [made.at(task.key) / NAMES_FILE for task in tasks]
    names = pl.read_parquet(files) if files else pl.DataFrame(NAMES.empty_table())
    write_table(items, item_names(names).to_arrow(), ITEMS)
    made.forget_others(set(keys.values()))
    n_excluded = sum(n for _, n in cleaned.values())
    n_counted = sum(result["n_counted"] for result in results) - n_excluded
    return sum(result["n_plays"] for result in results), n_counted, n_excluded, len(tasks)


def _plays_of(excluded: pl.Series, counts: list[Path]) -> dict[str, pl.DataFrame]:
    """Return the excluded listeners' counted plays by day (listener_id, n_plays), without days that have none."""
    if not len(excluded) or not counts:
        return {}
    theirs = pl.scan_parquet(counts).filter(pl.col("listener_id").is_in(excluded.implode()))
    found = theirs.group_by("day", "listener_id").agg(pl.col("n_plays").sum()).sort("day", "listener_id").collect()
    return {str(day): part for (day,), part in found.partition_by("day", as_dict=True, include_key=False).items()}


def _leave_out(theirs: pl.DataFrame, task: DayTask, made: Cache, without: Cache) -> tuple[str, int]:
    """Return the key of a day's counts without the excluded listeners, and the number of plays left out.

    Which listeners are excluded changes from night to night. So the cached counts of a day are those of all listeners,
    and its counts without the excluded ones are cached apart, by who they are.
    """
    key = key_of(code_digest(__name__), task.key, theirs["listener_id"].to_list())

    def build(folder: Path) -> Result:
        for file, schema in ((COUNTS_FILE, DAILY), (FOLLOWS_FILE, DAILY_FOLLOWS)):
            if file == COUNTS_FILE or task.order:
                rows = pl.read_parquet(made.at(task.key) / file)
                left = rows.join(theirs, on="listener_id", how="anti", maintain_order="left")
                write_table(folder / file, left.to_arrow(), schema)
        return {}

    if without.find(key) is None:
        without.make(key, build)
    return key, int(theirs["n_plays"].sum())
