"""Spotify's account export: `StreamingHistory*.json`, an array of plays, a folder per listener."""

import polars as pl

from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonarray import ARRAY_REASONS, assemble, no_music, present, raw_json, read_array, texts
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.reasons import Reason
from pipeline.logs.values import minute_moments

_FIELDS = {
    "played_at": "endTime",
    "artist_name": "artistName",
    "track_name": "trackName",
    "ms_played": "msPlayed",
}
_OTHER = {"episode": "episodeName", "podcast": "podcastName", "audiobook": "audiobookName"}


def read(data: bytes, source: Source) -> ReadResult:
    """Read an array of `{"endTime", "artistName", "trackName", "msPlayed"}`.

    `endTime` is when the play ended, to the minute, in UTC; it becomes played_at. The listener is `Source.listener`. A
    row that names a podcast is no music, and one that names nothing is not a fault of the file.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    rows = read_array(data)
    frame = texts(rows, _FIELDS | _OTHER)
    named = present("artist_name", "track_name")
    frame = frame.with_columns(
        minute_moments(frame["played_at"]).alias("played_at"),
        no_music(named, spoken=present(*_OTHER)).alias("reason"),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, dtype=pl.String),
        track_id=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=source, raw=lambda i: raw_json(rows[i]), unnamed_artists=True)


def _recognises(head: Head) -> bool | None:
    if not head.keys:
        return None
    return {"endTime", "msPlayed"} <= head.keys and "trackName" in head.keys


FORMAT = Format(
    name="spotify",
    description="JSON array",
    patterns=("*StreamingHistory*.json",),
    exceptions=("*StreamingHistory_podcast*", "*StreamingHistory_audiobook*", "*StreamingHistory_video*"),
    exceptions_are="podcasts, audiobooks and videos",
    reader=read,
    recognises=_recognises,
    reasons=ARRAY_REASONS | {Reason.NOT_MUSIC, Reason.NAMES_NOTHING},
    assemble=assemble,
    listener_folders=True,
    listener="the folder",
    played_at="`endTime`: the **end**, to the minute, UTC",
    ms_played="`msPlayed`",
    cannot_know=("whose export it is", "the second in which a play ended", "ids of artists and tracks"),
)
