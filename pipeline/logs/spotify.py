"""Spotify's account export: `StreamingHistory*.json`, an array of plays, one folder for each listener."""

import polars as pl

from pipeline.logs.jsonarray import assemble, raw_json, read_array, texts
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.values import minute_moments

NAME = "spotify"
OWN_FOLDERS = True
PATTERNS = ("StreamingHistory*.json",)
# The same export's histories of what is no music; their rows have no artist.
EXCEPT = ("StreamingHistory_podcast*", "StreamingHistory_audiobook*", "StreamingHistory_video*")
ASSEMBLE = assemble
_FIELDS = {
    "played_at": "endTime",
    "artist_name": "artistName",
    "track_name": "trackName",
    "ms_played": "msPlayed",
}


def parse(data: bytes, source: Source) -> ReadResult:
    """An array of `{"endTime", "artistName", "trackName", "msPlayed"}`.

    `endTime` is when the play ended, to the minute, in UTC; it is taken as played_at. The listener is the folder
    (`Source.listener`).

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
    return settle(frame.select(*CANDIDATES), format=NAME, source=source, raw=lambda i: raw_json(rows[i]))
