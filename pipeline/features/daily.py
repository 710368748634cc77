"""Count plays by day, listener and item."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow as pa

from pipeline.features.order import follows_of_day
from pipeline.features.placeholders import is_placeholder
from pipeline.params.interactions import PLACEHOLDERS
from pipeline.storage.cache import Cache, Result
from pipeline.storage.schemas import DAILY, DAILY_FOLLOWS
from pipeline.storage.tables import read_columns, write_table

COUNTS_FILE, NAMES_FILE, FOLLOWS_FILE = "counts.parquet", "names.parquet", "follows.parquet"
NAMES = pa.schema(
    [
        pa.field("item_id", pa.string(), nullable=False),
        pa.field("item_name", pa.string(), nullable=False),
        pa.field("n_plays", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class DayTask:
    """One day of plays to count; its counts and names are cached under `key`, and with `order` what followed what."""

    key: str
    plays: Path
    cache: Path
    item: Literal["artist", "track"]
    min_ms_played: int
    placeholders: tuple[str, ...] = PLACEHOLDERS
    order: bool = False


def aggregate_day(task: DayTask) -> Result:
    """Count the plays of a day; a kernel. A play without a duration counts, one of a placeholder artist does not."""
    texts = ["artist_name", "track_name"] if task.item == "track" else ["artist_name"]
    columns = ["listener_id", "played_at", f"{task.item}_id", *texts, "ms_played"]
    plays = read_columns(task.plays, [*columns, "file", "row"] if task.order else columns)
    n_plays = plays.height
    if task.order:  # some logs tell times in whole minutes: the order of a minute's plays is that of their rows
        plays = plays.sort("listener_id", "played_at", "file", "row")
    plays = plays.filter(~is_placeholder(plays["artist_name"], task.placeholders))
    counted = counted_plays(plays, item=task.item, min_ms_played=task.min_ms_played)
    keys = ["day", "listener_id", "item_id"]
    counts = counted.group_by(keys).agg(pl.len().alias("n_plays"), pl.col("ms_played").sum()).sort(keys)
    names = counted.group_by("item_id", "item_name").agg(pl.len().alias("n_plays")).sort("item_id", "item_name")

    def build(folder: Path) -> Result:
        write_table(folder / COUNTS_FILE, counts.to_arrow(), DAILY)
        write_table(folder / NAMES_FILE, names.to_arrow(), NAMES)
        if task.order:
            write_table(folder / FOLLOWS_FILE, follows_of_day(counted).to_arrow(), DAILY_FOLLOWS)
        return {"n_plays": n_plays, "n_counted": counted.height}

    return Cache(task.cache).make(task.key, build)


def counted_plays(plays: pl.DataFrame, *, item: Literal["artist", "track"], min_ms_played: int) -> pl.DataFrame:
    """Return the plays that count, as day, played_at, listener_id, item_id, item_name, ms_played, in their order.

    Args:
        plays: columns of PLAYS.
        item: what is recommended, artists or tracks.
        min_ms_played: shortest play that counts [ms].
    """
    name = pl.col("artist_name") if item == "artist" else pl.col("artist_name") + " – " + pl.col("track_name")
    return plays.filter(pl.col("ms_played").is_null() | (pl.col("ms_played") >= min_ms_played)).select(
        day=pl.col("played_at").dt.date(),
        played_at="played_at",
        listener_id="listener_id",
        item_id=f"{item}_id",
        item_name=name,
        ms_played=pl.col("ms_played").fill_null(0),
    )


def item_names(names: pl.DataFrame) -> pl.DataFrame:
    """Return item_id and item_name, one row per item, sorted by item_id.

    The name is the one with the most plays, the alphabetically first among equals.
    """
    totals = names.group_by("item_id", "item_name").agg(pl.col("n_plays").sum())
    ranked = totals.sort("item_id", "n_plays", "item_name", descending=[False, True, False])
    return ranked.unique("item_id", keep="first", maintain_order=True).select("item_id", "item_name")
