"""What every reader gives: plays, and what could not be read with the reason. Each row read is in one of the two."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.logs.columns import ColumnMap
from pipeline.storage.tables import PLAYS, QUARANTINE

RAW_BYTES = 2_000
"""Bytes of a row that quarantine keeps."""
MAX_LINE_BYTES = 1_048_576
"""A line longer than a mebibyte is no play."""

FIRST = dt.datetime(2002, 1, 1, tzinfo=dt.UTC)
"""Audioscrobbler, the first service to log what people play, began in 2002."""
END = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
CLOCK_SKEW = dt.timedelta(minutes=15)
"""How far a player's clock may be ahead of the one that wrote the file."""

MAX_MS = 7 * 86_400_000
"""A play longer than a week [ms] is a broken clock."""


class Reason(StrEnum):
    """Why a row is in quarantine; a row with several faults has the first of this list."""

    UNREADABLE = "unreadable file"
    LONG_LINE = "line too long"
    NOT_UTF8 = "not UTF-8"
    NOT_JSON = "not JSON"
    NOT_OBJECT = "not a JSON object"
    QUOTES = "broken quotes"
    COLUMNS = "wrong number of columns"
    UNSTORABLE = "unstorable text"
    NOT_MUSIC = "not music"
    PLAYING_NOW = "playing now, not played"
    ERASED = "erased listener"
    MISSING_LISTENER = "missing listener"
    BAD_TIMESTAMP = "bad timestamp"
    BEFORE_2002 = "timestamp before 2002"
    FROM_2100 = "timestamp from 2100 on"
    AHEAD = "timestamp ahead of the clock"
    MISSING_ARTIST = "missing artist"
    MISSING_TRACK = "missing track"
    NEGATIVE_DURATION = "negative duration"
    BAD_DURATION = "bad duration"


NO_FAULT = frozenset({Reason.NOT_MUSIC, Reason.PLAYING_NOW, Reason.ERASED})
"""Why rows are put aside through no fault of the logs."""


class Repair(StrEnum):
    """What is put right on reading, and counted: the rows of a file that became plays that way."""

    BYTE_ORDER_MARK = "byte order mark removed"
    UTF_16 = "UTF-16 to UTF-8"
    MILLISECONDS = "time in milliseconds"
    MICROSECONDS = "time in microseconds"
    NANOSECONDS = "time in nanoseconds"
    NO_MBID = "bad MBID left out"


@dataclass(frozen=True)
class Source:
    """The file that is read.

    Attributes:
        path: relative to the landing root, POSIX.
        root_name: name of the landing root.
        written_at: when it was last written; plays later than that by more than CLOCK_SKEW are ahead of the clock. None
            where nobody asks.
        shown: the path as tables and reports show it, where that must not name anybody.
        columns: the column map of its landing root, for the format `table`.
        raw_bytes: how much of a row goes into quarantine; None for all of it.
    """

    path: str
    root_name: str = "landing"
    written_at: dt.datetime | None = None
    raw_bytes: int | None = RAW_BYTES
    columns: ColumnMap | None = None
    shown: str = ""

    @property
    def name(self) -> str:
        """What tables and reports call it."""
        return self.shown or self.path

    @property
    def listener(self) -> str:
        """Whose file it is, where files do not say: the first folder below the landing root; the root itself where the
        file lies directly in it. Two people's exports are never one listener, whatever their files are called."""
        return self.path.split("/")[0] if "/" in self.path else self.root_name


CANDIDATES = {
    "row": pl.Int64,
    "reason": pl.String,  # null where the row itself was readable
    "listener_id": pl.String,
    "played_at": pl.Datetime("us", "UTC"),
    "artist_id": pl.String,
    "artist_name": pl.String,
    "track_id": pl.String,
    "track_name": pl.String,
    "ms_played": pl.String,  # the digits as found
}
"""What a format's own module makes of a file: a row each, nothing judged yet but whether it could be taken apart."""


class UnreadableFileError(Exception):
    """A file that cannot be taken apart at all: it goes into quarantine as one row, numbered −1."""


@dataclass(frozen=True)
class ReadResult:
    """Attributes:
    plays: PLAYS, in the order of the file.
    quarantine: QUARANTINE.
    repairs: plays that were put right, by rule; a rule for whole files counts all of the file's.
    """

    plays: pa.Table
    quarantine: pa.Table
    repairs: Mapping[Repair, int] = field(default_factory=dict)

    @property
    def n_read(self) -> int:
        """Rows read; a file that could not be taken apart counts as one."""
        return int(self.plays.num_rows + self.quarantine.num_rows)


def settle(
    candidates: pl.DataFrame,
    *,
    format: str,
    source: Source,
    raw: Callable[[int], bytes],
    repaired: Mapping[Repair, pl.Series] | None = None,
) -> ReadResult:
    """Judge each candidate: it is a play, or it is in quarantine.

    Args:
        candidates: a frame of CANDIDATES.
        format: the format's name.
        source: the file.
        raw: the bytes of a row as found, by its number.
        repaired: for each rule, which candidates were put right by it.
    """
    latest = END if source.written_at is None else min(END, source.written_at + CLOCK_SKEW)
    judged = candidates.with_columns(reason=_reason(latest), artist_id=_id("artist_id"), track_id=_id("track_id"))
    is_play = judged["reason"].is_null()
    good = judged.filter(is_play)
    plays = good.with_columns(
        ms_played=pl.col("ms_played").cast(pl.Int64), source=pl.lit(format), file=pl.lit(source.name)
    )
    bad = judged.filter(pl.col("reason").is_not_null())
    rows = bad["row"].to_list()
    quarantine = pa.table(
        [[source.name] * len(rows), rows, bad["reason"].to_list(), [raw(row)[: source.raw_bytes] for row in rows]],
        schema=QUARANTINE,
    )
    counts = {rule: int((where & is_play).sum()) for rule, where in (repaired or {}).items()}
    return ReadResult(
        plays.select(PLAYS.names).to_arrow().cast(PLAYS), quarantine, {rule: n for rule, n in counts.items() if n}
    )


def unreadable(path: str, data: bytes) -> ReadResult:
    """The result of a file that could not be taken apart: nothing of it is used, half a file would pass for a day."""
    quarantine = pa.table([[path], [-1], [Reason.UNREADABLE.value], [data[:RAW_BYTES]]], schema=QUARANTINE)
    return ReadResult(PLAYS.empty_table(), quarantine)


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def _id(column: str) -> pl.Expr:
    """An id, or what stands for it where the source has none."""
    name = pl.col("artist_name")
    if column == "track_id":
        name = pl.concat_str(name, pl.lit("/"), pl.col("track_name"))
    return pl.when(_blank(column)).then(name).otherwise(pl.col(column))


def _reason(latest: dt.datetime) -> pl.Expr:
    played_at, ms = pl.col("played_at"), pl.col("ms_played")
    names = ("listener_id", "artist_id", "artist_name", "track_id", "track_name")
    faults = {
        Reason.UNSTORABLE: pl.any_horizontal(
            pl.col(name).str.contains("\x00", literal=True).fill_null(False) for name in names
        ),
        Reason.MISSING_LISTENER: _blank("listener_id"),
        Reason.BAD_TIMESTAMP: played_at.is_null(),
        Reason.BEFORE_2002: played_at < FIRST,
        Reason.FROM_2100: played_at >= END,
        Reason.AHEAD: played_at > latest,
        Reason.MISSING_ARTIST: _blank("artist_name"),
        Reason.MISSING_TRACK: _blank("track_name"),
        Reason.NEGATIVE_DURATION: ms.str.contains(r"^-[0-9]+$"),
        Reason.BAD_DURATION: ~ms.str.contains(r"^[0-9]{1,15}$") | (ms.cast(pl.Int64, strict=False) > MAX_MS),
    }
    found: Any = pl.when(pl.col("reason").is_not_null()).then("reason")
    for reason, fault in faults.items():
        found = found.when(fault).then(pl.lit(reason.value))
    reason_of: pl.Expr = found.otherwise(None)
    return reason_of
