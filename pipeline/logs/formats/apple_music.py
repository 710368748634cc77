"""Apple's "Apple Music Play Activity.csv", from a copy of one's data (privacy.apple.com), a folder per listener.

It holds IP addresses, devices and places. Only the columns named here are read, and what goes into quarantine is made
from them alone.
"""

from collections.abc import Sequence

import polars as pl

from pipeline.logs.csvrows import CSV_REASONS, read_records
from pipeline.logs.format import Format
from pipeline.logs.head import HEADER_LINES, Head
from pipeline.logs.jsonarray import raw_json
from pipeline.logs.reading import CANDIDATES, MAX_MS, ReadResult, Source, UnreadableFileError, settle
from pipeline.logs.reasons import Reason, Repair
from pipeline.logs.values import any_moments, whole

# Our column → Apple's names of it over the years; the first that a row fills counts.
_COLUMNS = {
    "played_at": ("Event End Timestamp", "Event Timestamp", "Event Start Timestamp", "Event Received Timestamp"),
    "artist_name": ("Artist Name", "Container Artist Name"),
    "track_name": ("Song Name", "Content Name"),
    "ms_played": ("Play Duration Milliseconds",),
    "event": ("Event Type",),
}
_PLAY = "PLAY_END"


def read(data: bytes, source: Source) -> ReadResult:
    """Read the rows whose event is the end of a play; others, such as its start, are no plays of their own.

    Files since 2020 name the artist of the album or playlist only, or none: such a play counts as one of an unknown
    artist. Apple's durations may be negative or last for months: those are left out.

    Raises:
        UnreadableFileError: it lacks a column for the time or the song.
    """
    names, places, header_row = _header(Head.of(source.path, data).rows(","))
    records = [r for r in read_records(data, delimiter=",", quote='"', n_columns=len(names)) if r.row != header_row]
    rows = [
        {
            "row": record.row,
            "reason": record.reason or (None if len(record.fields) == len(names) else Reason.COLUMNS),
            **(_values(record.fields, places) if len(record.fields) == len(names) else {}),
        }
        for record in records
    ]
    texts = pl.DataFrame(rows, schema={"row": pl.Int64, "reason": pl.String, **dict.fromkeys(_COLUMNS, pl.String)})
    moments, repaired = any_moments(texts["played_at"])
    duration = whole(texts["ms_played"]).replace("", None)
    number = duration.cast(pl.Int64, strict=False)
    impossible = ((number < 0) | (number > MAX_MS)).fill_null(value=False)
    event = pl.col("event").str.strip_chars()
    unnamed = pl.col("artist_name").str.strip_chars().eq("") & pl.col("track_name").str.strip_chars().eq("")
    candidates = texts.with_columns(
        pl.coalesce(
            "reason",
            pl.when(~event.is_in(["", _PLAY])).then(pl.lit(Reason.NO_PLAY.value)),
            pl.when(unnamed & (pl.col("played_at") != "")).then(pl.lit(Reason.NAMES_NOTHING.value)),
        ).alias("reason"),
        moments.alias("played_at"),
        ms_played=duration.set(impossible, None),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, pl.String),
        track_id=pl.lit(None, pl.String),
    )
    found = {row["row"]: row for row in texts.drop("reason").to_dicts()}
    return settle(
        candidates.select(*CANDIDATES),
        source=source,
        raw=lambda row: raw_json({name: text for name, text in found[row].items() if name != "row"}),
        repaired=repaired | {Repair.NO_DURATION: impossible},
        unnamed_artists=True,
    )


def _header(rows: Sequence[Sequence[str]]) -> tuple[Sequence[str], dict[str, list[int]], int]:
    """Return the names of all columns, the places of ours, and the header's row."""
    for number, row in enumerate(rows[:HEADER_LINES]):
        names = [name.strip().strip("\ufeff").casefold() for name in row]
        places = {
            ours: [names.index(name.casefold()) for name in theirs if name.casefold() in names]
            for ours, theirs in _COLUMNS.items()
        }
        if places["played_at"] and places["track_name"] and places["event"]:
            return names, places, number
    raise UnreadableFileError("no columns of Apple Music's play activity")


def _values(fields: Sequence[str], places: dict[str, list[int]]) -> dict[str, str]:
    return {ours: next((fields[i] for i in where if fields[i].strip()), "") for ours, where in places.items()}


def _recognises(head: Head) -> bool | None:
    try:
        return bool(_header(head.rows(",")))
    except UnreadableFileError:
        return False


FORMAT = Format(
    name="apple-music",
    description="CSV of some 30 to 90 columns, of which at most 9 are read; rows of `PLAY_END` are plays",
    patterns=("*Play Activity*.csv", "*Play_Activity*.csv"),
    reader=read,
    recognises=_recognises,
    by_content=True,
    reasons=CSV_REASONS | {Reason.NO_PLAY, Reason.NAMES_NOTHING},
    private=True,
    listener_folders=True,
    listener="the folder",
    played_at="`Event End Timestamp`: the **end**, ISO 8601; where it is empty, that of another of the event's times",
    ms_played="`Play Duration Milliseconds`, may be absent",
    cannot_know=(
        "whose export it is",
        "the track's artist, in files that name none or only the album's or playlist's",
        "ids of artists and tracks",
    ),
)
