"""YouTube Music's history from Google Takeout (`watch-history.json`), a folder per listener.

It holds whatever else its owner watched on YouTube. Of such rows nothing but the time goes into quarantine.
"""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import polars as pl

from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonarray import ARRAY_REASONS, raw_json, read_array
from pipeline.logs.jsonlines import storable, text_of
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.reasons import Reason
from pipeline.logs.values import iso_moments

_MUSIC = "YouTube Music"
_TOPIC = re.compile(r" [-–] (?:Topic|Thema|Tema|Thème|Argomento|Onderwerp|Tópico)$")
_WATCHED = re.compile(
    r"^(?:Watched|Has visto|Vous avez regardé|Hai guardato|Você assistiu a|Viste) (?P<before>.+)$"
    r"|^(?P<after>.+) (?:angesehen|bekeken)$",
    re.DOTALL,
)
"""What Google writes around a title, in the language of the account."""
_FIELDS = ("played_at", "artist_name", "track_name", "track_id")


def read(data: bytes, source: Source) -> ReadResult:
    """Read an array of `{"header", "title", "titleUrl", "subtitles": [{"name"}], "time"}`.

    Rows of `YouTube Music` are plays; all others are not music. The artist is the channel's name without `- Topic`, the
    track's id that of the video. A video that was removed names nothing.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    rows = read_array(data)
    frame = pl.DataFrame([_project(row) for row in rows], schema=dict.fromkeys(("reason", *_FIELDS), pl.String))
    frame = frame.with_columns(
        iso_moments(frame["played_at"]).alias("played_at"),
        row=pl.int_range(frame.height, dtype=pl.Int64),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, pl.String),
        ms_played=pl.lit(None, pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=source, raw=lambda i: _raw(rows[i]), unnamed_artists=True)


def _project(row: Any) -> dict[str, str | None]:
    if not isinstance(row, dict):
        return {"reason": Reason.NOT_OBJECT}
    time = text_of(row.get("time"))
    advertised = any("ads" in str(_name(each)).lower().split() for each in _list(row.get("details")))
    if row.get("header") != _MUSIC or advertised:
        return {"reason": Reason.NOT_MUSIC, "played_at": time if time is None or storable(time) else None}
    url = text_of(row.get("titleUrl"))
    artist = next((_name(each) for each in _list(row.get("subtitles"))), None)
    title = _title(text_of(row.get("title")), url)
    found = {
        "played_at": time,
        "artist_name": artist if artist is None else _TOPIC.sub("", artist),
        "track_name": title,
        "track_id": _video(url),
    }
    if not all(storable(text) for text in found.values() if text is not None):
        return {"reason": Reason.UNSTORABLE}
    removed = artist is None and (title is None or url is None) and time is not None
    return {"reason": Reason.NAMES_NOTHING if removed else None, **found}


def _title(title: str | None, url: str | None) -> str | None:
    """Return a title without what Google writes around it; None if it is but the address of a video."""
    if title is None:
        return None
    match = _WATCHED.match(title)
    inner = title if match is None else match["before"] or match["after"]
    return None if inner == url or inner.startswith("https://") else inner


def _video(url: str | None) -> str | None:
    """Return a video's id, `v` of its address."""
    try:
        return next(iter(parse_qs(urlsplit(url or "").query).get("v", [])), None)
    except ValueError:
        return None


def _name(value: Any) -> str | None:
    return text_of(value.get("name")) if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _raw(row: Any) -> bytes:
    """Return the fields that are read of a play, and the time of anything else."""
    if not isinstance(row, dict):
        return b""
    shown = ("header", "title", "titleUrl", "subtitles", "time") if row.get("header") == _MUSIC else ("time",)
    return raw_json({field: row[field] for field in shown if field in row})


def _recognises(head: Head) -> bool | None:
    if not head.keys:
        return None
    return {"header", "title", "time"} <= head.keys and ("titleUrl" in head.keys or "products" in head.keys)


FORMAT = Format(
    name="youtube-music",
    description="JSON array; rows whose `header` is `YouTube Music` are plays, 5 of some 9 fields are read",
    patterns=("*watch-history*.json", "*Wiedergabeverlauf*.json", "*historial-de-reproducciones*.json"),
    reader=read,
    recognises=_recognises,
    by_content=True,
    reasons=ARRAY_REASONS | {Reason.NOT_MUSIC, Reason.NAMES_NOTHING},
    private=True,
    listener_folders=True,
    listener="the folder",
    played_at="`time`: the **start**, ISO 8601",
    cannot_know=(
        "whose history it is",
        "how long a play lasted",
        "ids of artists: a channel stands for the artist",
        "where the title begins, in languages whose word for “watched” is not known",
    ),
)
