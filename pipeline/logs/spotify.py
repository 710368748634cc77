"""Spotify's account export: `StreamingHistory*.json`, an array of plays, one folder for each listener."""

import json
from pathlib import PurePosixPath
from typing import Any

import polars as pl

from pipeline.logs.jsonlines import parse_json, storable, text_of
from pipeline.logs.reading import CANDIDATES, RAW_BYTES, ReadResult, Reason, UnreadableFileError, settle
from pipeline.logs.values import minute_moments

NAME = "spotify"
PATTERNS = ("StreamingHistory*.json",)
# The same export's histories of what is no music; their rows have no artist.
EXCEPT = ("StreamingHistory_podcast*", "StreamingHistory_audiobook*", "StreamingHistory_video*")
_FIELDS = {
    "played_at": "endTime",
    "artist_name": "artistName",
    "track_name": "trackName",
    "ms_played": "msPlayed",
}


def parse(data: bytes, relative: str, root_name: str) -> ReadResult:
    """An array of `{"endTime", "artistName", "trackName", "msPlayed"}`.

    `endTime` is when the play ended, to the minute, in UTC; it is taken as played_at. The listener is the first folder
    of the path below the landing root (the root itself where the file lies directly in it): two people's exports are
    never one listener, whatever their files are called.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    listener = PurePosixPath(relative).parts[0] if "/" in relative else root_name
    try:
        rows = parse_json(data.decode("utf-8-sig"))
    except ValueError as err:
        raise UnreadableFileError(str(err)) from err
    if not isinstance(rows, list):
        raise UnreadableFileError("not an array")
    values = [_project(row) for row in rows]
    frame = pl.DataFrame(values, schema={"reason": pl.String, **dict.fromkeys(_FIELDS, pl.String)})
    frame = frame.with_columns(
        minute_moments(frame["played_at"]).alias("played_at"),
        row=pl.int_range(frame.height, dtype=pl.Int64),
        listener_id=pl.lit(listener),
        artist_id=pl.lit(None, dtype=pl.String),
        track_id=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=NAME, relative=relative, raw=lambda i: _raw(rows[i]))


def _project(row: Any) -> dict[str, str | None]:
    if not isinstance(row, dict):
        return {"reason": Reason.NOT_OBJECT}
    texts = {column: text_of(row.get(field)) for column, field in _FIELDS.items()}
    if not all(storable(text) for text in texts.values() if text is not None):
        return {"reason": Reason.UNSTORABLE}
    return {"reason": None, **texts}


def _raw(row: Any) -> bytes:
    return json.dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace")[:RAW_BYTES]
