"""Spotify's account export: `StreamingHistory*.json`, an array of plays, a folder per listener."""

import polars as pl

from pipeline.logs.format import Format
from pipeline.logs.jsonarray import ARRAY_REASONS, assemble, raw_json, read_array, texts
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.values import minute_moments

_FIELDS = {
    "played_at": "endTime",
    "artist_name": "artistName",
    "track_name": "trackName",
    "ms_played": "msPlayed",
}


def read(data: bytes, source: Source) -> ReadResult:
    """Read an array of `{"endTime", "artistName", "trackName", "msPlayed"}`.

    `endTime` is when the play ended, to the minute, in UTC; it becomes played_at. The listener is `Source.listener`.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    rows = read_array(data)
    frame = texts(rows, _FIELDS)
    frame = frame.with_columns(
        minute_moments(frame["played_at"]).alias("played_at"),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, dtype=pl.String),
        track_id=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=source, raw=lambda i: raw_json(rows[i]))


FORMAT = Format(
    name="spotify",
    description="JSON array",
    patterns=("StreamingHistory*.json",),
    exceptions=("StreamingHistory_podcast*", "StreamingHistory_audiobook*", "StreamingHistory_video*"),
    exceptions_are="podcasts, audiobooks and videos",
    reader=read,
    reasons=ARRAY_REASONS,
    assemble=assemble,
    listener_folders=True,
    listener="the folder",
    played_at="`endTime`: the **end**, to the minute, UTC",
    ms_played="`msPlayed`",
    cannot_know=("whose export it is", "the second in which a play ended", "ids of artists and tracks"),
)
