"""Recorded events as tables: the impressions and the plays of landed segments."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pipeline.logs.contents import as_utf8, decompress, split_lines
from pipeline.logs.jsonlines import decode
from pipeline.logs.landing import LandedFile, Landing, open_landed
from pipeline.logs.reading import UnreadableFileError
from pipeline.logs.values import iso_moments

FORMAT = "netgain-events"
_TEXTS = ("kind", "at", "listener_id", "impression_id", "event_id", "release", "lane", "experiment", "arm", "team",
          "artist_id", "artist_name", "track_id", "track_name")  # fmt: skip
_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    **dict.fromkeys(_TEXTS, pl.String),
    "items": pl.List(pl.String),
}
_LATE = dt.timedelta(hours=2)
"""A segment is named by when it was opened; its events may be this much later."""


@dataclass(frozen=True)
class Recorded:
    """Attributes:
    impressions: impression_id, listener_id (null for newcomers), at, release, lane, items, experiment,
        arm and team (null outside of experiments); one row an impression.
    plays: plays that name an impression: impression_id, listener_id, at, artist_id, track_id; one row an event.
    """

    impressions: pl.DataFrame
    plays: pl.DataFrame


def recorded(landing: Landing, *, since: dt.date, until: dt.date) -> Recorded:
    """Return the events of a night's landed segments within some days; those of erased listeners are left out.

    Args:
        landing: the night's inventory.
        since: the first day.
        until: the first day after them.

    Raises:
        LandingError: a segment changed after it landed.
    """
    start, end = (dt.datetime.combine(day, dt.time(), dt.UTC) for day in (since, until))
    segments = [file for file in landing.files if landing.format_of(file).name == FORMAT and _may_hold(file, start)]
    events = _read(landing.root, segments)
    events = events.filter((pl.col("at") >= start) & (pl.col("at") < end))
    if landing.erased is not None:
        gone = _erased(events["listener_id"].drop_nulls().unique(), landing)
        events = events.filter(~pl.col("listener_id").is_in(gone).fill_null(False))
    events = events.unique("event_id", keep="first", maintain_order=True)
    answers = events.filter((pl.col("kind") == "impression") & pl.col("items").is_not_null())
    plays = events.filter((pl.col("kind") == "play") & pl.col("impression_id").is_not_null())
    return Recorded(
        answers.select("impression_id", "listener_id", "at", "release", "lane", "items", "experiment", "arm", "team"),
        plays.select(
            "impression_id",
            "listener_id",
            "at",
            artist_id=pl.coalesce("artist_id", "artist_name"),
            track_id=pl.coalesce("track_id", pl.concat_str("artist_name", pl.lit("/"), "track_name")),
        ),
    )


def _may_hold(file: LandedFile, start: dt.datetime) -> bool:
    """Return whether a segment may hold events from a time on, by its name; other names are read."""
    stamp = file.path.rpartition("/")[2][:15]
    return not (stamp[:8].isdigit() and stamp < f"{start - _LATE:%Y%m%dT%H%M%S}")


def _read(root: Path, files: Sequence[LandedFile]) -> pl.DataFrame:
    frames = [pl.DataFrame(schema={**_SCHEMA, "at": pl.Datetime("us", "UTC")})]
    for file in files:
        try:
            lines = split_lines(as_utf8(decompress(open_landed(root, file), file.path))[0])
        except UnreadableFileError:
            continue  # ingest has put it in quarantine
        frame = decode(lines, _SCHEMA).select(*_SCHEMA)
        frames.append(frame.with_columns(iso_moments(frame["at"]).alias("at")))
    return pl.concat(frames)


def _erased(tokens: Iterable[str], landing: Landing) -> list[str]:
    erased, key = landing.erased, landing.id_key
    return [token for token in tokens if erased is not None and key is not None and erased.has(token, key)]
