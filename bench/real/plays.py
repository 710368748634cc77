"""Plays of a folder of exports, or of as many simulated listeners, in the same form."""

import datetime as dt
from pathlib import Path

import polars as pl

from pipeline.features.daily import counted_plays
from pipeline.features.placeholders import is_placeholder
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.params.interactions import InteractionParams
from pipeline.runtime.inprocess import InProcess
from pipeline.simulation.catalogue import Shape
from pipeline.simulation.comparison import simulated_plays
from pipeline.stages.ingest import ingest
from pipeline.storage.json_files import write_json

START = dt.date(2001, 1, 1)
"""The day on which every listener's first play falls once days are counted from it."""


def exported(folder: Path, params: InteractionParams, *, format: str, scratch: Path) -> pl.DataFrame:
    """Read a folder of exports, one folder a listener, by the readers and rules of a night.

    Args:
        folder: the exports.
        params: which plays count.
        format: of the files; `auto` to find it by their content.
        scratch: an empty folder.

    Returns:
        What `counted_plays` returns, in the order in which it was played.

    Raises:
        LandingError: there is no such folder, or nothing in it that can be read.
    """
    write_json(scratch / "landing.json", take_inventory(folder.resolve(), format))
    out = scratch / "data" / "plays"
    ingest(
        read_landing(scratch / "landing.json", workspace=scratch),
        executor=InProcess(), n_buckets=1, plays=out, cache=scratch / "cache",
        quarantine=scratch / "data" / "quarantine.parquet", report=scratch / "data" / "ingest.json",
        days=scratch / "data" / "days.json",
    )  # fmt: skip
    files = sorted(out.glob("day=*/*.parquet"))
    if not files:
        raise SystemExit(f"{folder} has no plays that can be read; expected exports in a folder for each listener.")
    plays = pl.read_parquet(files, hive_partitioning=False).sort("listener_id", "played_at", "file", "row")
    plays = plays.filter(~is_placeholder(plays["artist_name"], params.placeholder_artists))
    return counted_plays(plays, item=params.item, min_ms_played=round(params.min_seconds_played * 1000))


def simulated(n_listeners: int, params: InteractionParams, *, n_days: int, seed: int, shape: Shape) -> pl.DataFrame:
    """Return the plays of simulated listeners that count, in the same form."""
    plays = simulated_plays(n_listeners=n_listeners, n_days=n_days, seed=seed, shape=shape).unique()
    plays = plays.with_columns(
        pl.format("L{}", pl.col("listener_id").cast(pl.String).str.zfill(6)).alias("listener_id"),
        pl.format("A{}", pl.col("artist_id").cast(pl.String).str.zfill(7)).alias("artist_id"),
        pl.format("T{}", pl.col("track_id")).alias("track_id"),
    ).with_columns(artist_name=pl.col("artist_id"), track_name=pl.col("track_id"))
    plays = plays.sort("listener_id", "played_at", "track_id")
    return counted_plays(plays, item=params.item, min_ms_played=round(params.min_seconds_played * 1000))


def from_first_play(plays: pl.DataFrame) -> pl.DataFrame:
    """Move each listener's plays so that the day of the first is START: people's exports begin at any time.

    Calendar time is lost: what was new in the world when one listener played it, another may have played "before".
    """
    first = pl.col("day").min().over("listener_id")
    moved = pl.duration(days=(first - pl.lit(START)).dt.total_days())
    return plays.with_columns(pl.col("played_at") - moved, pl.col("day") - moved)
