"""Spotify's extended history: `endsong_*.json`, `Streaming_History_Audio_*.json`, a folder per listener.

It holds user names, IP addresses, countries and devices. Only the fields named here are ever read, and what goes into
quarantine is made from them alone.
"""

from typing import Any

import polars as pl

from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonarray import ARRAY_REASONS, assemble, no_music, present, raw_json, read_array, texts
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
_OTHER = {
    "episode": "spotify_episode_uri",
    "episode_name": "episode_name",
    "show": "episode_show_name",
    "audiobook": "audiobook_uri",
    "audiobook_title": "audiobook_title",
    "chapter": "audiobook_chapter_title",
}


def read(data: bytes, source: Source) -> ReadResult:
    """Read an array of objects of some twenty fields, eleven of which are used.

    `ts` is when the play ended, in UTC, to the second; it becomes played_at. The artist is the album's. Episodes and
    audiobooks, which lie among the songs, go to quarantine as not music, and rows that name nothing as such. The
    listener is `Source.listener`, never the user name in the file.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    rows = read_array(data)
    frame = texts(rows, _FIELDS | _OTHER)
    named = present("artist_name", "track_id", "track_name")
    frame = frame.with_columns(
        iso_moments(frame["played_at"]).alias("played_at"),
        no_music(named, spoken=present(*_OTHER)).alias("reason"),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=source, raw=lambda i: _raw(rows[i]), unnamed_artists=True)


def _raw(row: Any) -> bytes:
    """Return the fields that are read of an element, as text: a value of another type might hold anything."""
    if not isinstance(row, dict):
        return b""
    return raw_json({field: text_of(row.get(field)) for field in (*_FIELDS.values(), *_OTHER.values()) if field in row})


def _recognises(head: Head) -> bool | None:
    if not head.keys:
        return None
    return "ts" in head.keys and bool({"master_metadata_track_name", "spotify_track_uri"} & head.keys)


FORMAT = Format(
    name="spotify-extended",
    description="JSON array; 11 of some 20 fields are read",
    patterns=("*endsong*.json", "*Streaming_History_Audio*.json"),
    reader=read,
    recognises=_recognises,
    reasons=ARRAY_REASONS | {Reason.NOT_MUSIC, Reason.NAMES_NOTHING},
    assemble=assemble,
    private=True,
    listener_folders=True,
    listener="the folder",
    played_at="`ts`: the **end**, ISO 8601",
    ms_played="`ms_played`",
    cannot_know=("the track's artist, where it is not the album's", "ids of artists"),
)
