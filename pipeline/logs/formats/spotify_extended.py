"""Spotify's extended history: `endsong_*.json`, `Streaming_History_Audio_*.json`, a folder per listener.

It holds user names, IP addresses, countries and devices. Only the fields named here are ever read, and what goes into
quarantine is made from them alone.
"""

from typing import Any

import polars as pl

from pipeline.logs.format import Format
from pipeline.logs.jsonarray import ARRAY_REASONS, assemble, raw_json, read_array, texts
from pipeline.logs.jsonlines import text_of
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.reasons import Reason
from pipeline.logs.values import iso_moments

_FIELDS = {
    "played_at": "ts",
    "artist_name": "master_metadata_album_artist_name",
    "track_id": "spotify_track_uri",
    "track_name": "master_metadata_track_name",
    "ms_played": "ms_played",
}
_OTHER = {"episode": "spotify_episode_uri", "audiobook": "audiobook_uri"}


def read(data: bytes, source: Source) -> ReadResult:
    """Read an array of objects of some twenty fields, seven of which are used.

    `ts` is when the play ended, in UTC, to the second; it becomes played_at. The artist is the album's. Episodes and
    audiobooks, which lie among the songs, go to quarantine as not music. The listener is `Source.listener`, never the
    user name in the file.

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
    return settle(frame.select(*CANDIDATES), source=source, raw=lambda i: _raw(rows[i]))


def _raw(row: Any) -> bytes:
    """Return the fields that are read of an element, as text: a value of another type might hold anything."""
    if not isinstance(row, dict):
        return b""
    return raw_json({field: text_of(row.get(field)) for field in (*_FIELDS.values(), *_OTHER.values()) if field in row})


FORMAT = Format(
    name="spotify-extended",
    description="JSON array; 7 of some 20 fields are read",
    patterns=("endsong_*.json", "Streaming_History_Audio_*.json"),
    reader=read,
    reasons=ARRAY_REASONS | {Reason.NOT_MUSIC},
    assemble=assemble,
    private=True,
    listener_folders=True,
    listener="the folder",
    played_at="`ts`: the **end**, ISO 8601",
    ms_played="`ms_played`",
    cannot_know=("the track's artist, where it is not the album's", "ids of artists"),
)
