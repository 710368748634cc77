"""Spotify's extended history: `endsong_*.json`, `Streaming_History_Audio_*.json`, one folder for each listener.

It holds user names, IP addresses, countries and devices. Only the fields named here are ever looked at, and what goes
into quarantine is made from them alone.
"""

from typing import Any

import polars as pl

from pipeline.logs.jsonarray import assemble, raw_json, read_array, texts
from pipeline.logs.jsonlines import text_of
from pipeline.logs.reading import CANDIDATES, ReadResult, Reason, Source, settle
from pipeline.logs.values import iso_moments

NAME = "spotify-extended"
OWN_FOLDERS = True
PATTERNS = ("endsong_*.json", "Streaming_History_Audio_*.json")
PRIVATE = True
ASSEMBLE = assemble
_FIELDS = {
    "played_at": "ts",
    "artist_name": "master_metadata_album_artist_name",
    "track_id": "spotify_track_uri",
    "track_name": "master_metadata_track_name",
    "ms_played": "ms_played",
}
_OTHER = {"episode": "spotify_episode_uri", "audiobook": "audiobook_uri"}


def parse(data: bytes, source: Source) -> ReadResult:
    """An array of objects of some twenty fields, of which seven are read.

    `ts` is when the play ended, in UTC, to the second; it is taken as played_at. The artist named is the album's.
    Episodes and audiobooks, which lie among the songs, are set aside as no music. The listener is the folder
    (`Source.listener`), never the user name in the file.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    rows = read_array(data)
    frame = texts(rows, _FIELDS | _OTHER)
    no_song = pl.all_horizontal(pl.col("artist_name", "track_id", "track_name").is_null())
    spoken = pl.any_horizontal(pl.col(*_OTHER).is_not_null())
    frame = frame.with_columns(
        iso_moments(frame["played_at"]).alias("played_at"),
        pl.coalesce("reason", pl.when(no_song & spoken).then(pl.lit(Reason.NOT_MUSIC.value))).alias("reason"),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), format=NAME, source=source, raw=lambda i: _raw(rows[i]))


def _raw(row: Any) -> bytes:
    """What was read of an element, as text: a value of another kind might hold anything."""
    if not isinstance(row, dict):
        return b""
    return raw_json({field: text_of(row.get(field)) for field in (*_FIELDS.values(), *_OTHER.values()) if field in row})
