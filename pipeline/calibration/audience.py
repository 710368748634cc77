"""Simulated plays, counted by day, in the form in which the stage `prepare` writes them.

No log is written and read: the proofs need real fits only, and reading logs has its own tests.
"""

import datetime as dt

import numpy as np
import polars as pl

from pipeline.simulation.dirt import CLEAN
from pipeline.simulation.lines import artist_id, listener_id
from pipeline.simulation.names import artist_names
from pipeline.simulation.world import NAMES as NAMING
from pipeline.simulation.world import Day, days, make_world, stream
from pipeline.stages.context import Context
from pipeline.storage.schemas import DAILY, ITEMS
from pipeline.storage.tables import write_table


def settle(context: Context, *, n_listeners: int, n_days: int, start: dt.date, seed: int) -> None:
    """Write data/daily and data/items.parquet of a simulated service.

    Args:
        context: the workspace to write to.
        n_listeners: number of listeners.
        n_days: number of days.
        start: the first day.
        seed: seed of the simulation.
    """
    layout = context.layout
    catalogue = make_world(n_listeners, seed)
    artists = pl.Series([artist_id(a) for a in range(len(catalogue.genre))])
    listeners = pl.Series([listener_id(i) for i in range(n_listeners)])
    layout.daily.mkdir(parents=True, exist_ok=True)
    shortest = 1000 * context.params.interactions.min_seconds_played
    for day in days(catalogue, n_listeners=n_listeners, n_days=n_days, seed=seed, start=start, dirt=CLEAN):
        counts = _counted(day, catalogue.artist, shortest, listeners, artists)
        write_table(layout.daily / f"day={day.date}.parquet", counts.to_arrow(), DAILY)
    names = pl.DataFrame({"item_id": artists, "item_name": artist_names(len(artists), stream(seed, NAMING))})
    write_table(layout.items, names.sort("item_id").to_arrow(), ITEMS)


def _counted(
    day: Day, artist_of: np.ndarray, shortest: float, listeners: pl.Series, artists: pl.Series
) -> pl.DataFrame:
    plays = pl.DataFrame(
        {"listener": day.plays.listener, "artist": artist_of[day.plays.track], "ms_played": day.plays.ms}
    )
    counts = (
        plays.filter(pl.col("ms_played") >= shortest)
        .group_by("listener", "artist")
        .agg(pl.len().cast(pl.Int32).alias("n_plays"), pl.col("ms_played").cast(pl.Int64).sum())
    )
    return counts.select(
        day=pl.lit(day.date),
        listener_id=listeners.gather(counts["listener"]),
        item_id=artists.gather(counts["artist"]),
        n_plays="n_plays",
        ms_played="ms_played",
    ).sort("listener_id", "item_id")
