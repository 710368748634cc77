"""What every reader returns: plays, and rows in quarantine with the reason. Each row is in exactly one of the two."""

import datetime as dt
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.logs.columns import ColumnMap
from pipeline.logs.reasons import NO_FAULT, Reason, Repair
from pipeline.storage.schemas import PLAYS, QUARANTINE

RAW_BYTES = 2_000
"""Bytes of a row that quarantine keeps."""
ARCHIVE = ".zip"
"""Ending of archives, which are read like the folders that they unpack to."""
MAX_LINE_BYTES = 1_048_576
"""A longer line than 1 MiB is not a play."""

FIRST = dt.datetime(2002, 1, 1, tzinfo=dt.UTC)
"""Audioscrobbler, the first service to log what people play, started in 2002."""
END = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
CLOCK_SKEW = dt.timedelta(minutes=15)
"""How far the clock of a player may run ahead of the clock that wrote the file."""

MAX_MS = 7 * 86_400_000
"""A play longer than a week [ms] is the result of a broken clock."""

MAX_BAD_ROWS = 200_000
"""A file with more bad rows than this, and more of them than plays, is no log: it becomes one row of quarantine."""

UNKNOWN_ARTIST = "[unknown]"
"""MusicBrainz's name for an unknown artist; it stands for one that a log leaves empty."""


@dataclass(frozen=True)
class Source:
    """The file that is read.

    Attributes:
        path: relative to the landing root, POSIX.
        root_name: name of the landing root.
        format: the name of its format, which `Format.read` fills in.
        written_at: when it was last written: plays more than CLOCK_SKEW later are ahead of the clock. None to skip that
            check.
        shown: the path in tables and reports, if the real one names a listener.
        columns: the column map of its landing root, for the format `table`.
        raw_bytes: how many bytes of a row quarantine keeps; None for all.
    """

    path: str
    root_name: str = "landing"
    written_at: dt.datetime | None = None
    raw_bytes: int | None = RAW_BYTES
    columns: ColumnMap | None = None
    shown: str = ""
    format: str = ""

    @property
    def name(self) -> str:
        """Return its path in tables and reports."""
        return self.shown or self.path

    @property
    def listener(self) -> str:
        """Return the listener of a file that does not name one: its first folder below the landing root.

        A file directly in the landing root belongs to a listener of the root's name. So the exports of two people never
        become one listener, whatever their files are called. An archive counts as the folder that it unpacks to.
        """
        return listener_of(self.path, self.root_name)


def listener_of(path: str, root_name: str) -> str:
    """Return the listener whose folder a path lies in, in Unicode's composed form (NFC).

    Examples:
        >>> listener_of("ann/MyData/endsong.json", "landing"), listener_of("bob.zip/endsong.json", "landing")
        ('ann', 'bob')
        >>> listener_of("endsong.json", "landing")
        'landing'
    """
    folder, slash, _ = path.partition("/")
    name = folder if slash else root_name
    stem = name[: -len(ARCHIVE)] if slash and name.lower().endswith(ARCHIVE) else name
    return unicodedata.normalize("NFC", stem or name)


CANDIDATES = {
    "row": pl.Int64,
    "reason": pl.String,  # null if the row was readable
    "listener_id": pl.String,
    "played_at": pl.Datetime("us", "UTC"),
    "artist_id": pl.String,
    "artist_name": pl.String,
    "track_id": pl.String,
    "track_name": pl.String,
    "ms_played": pl.String,  # the digits as found
}
"""What a format makes of a file before `settle`: a record per row, checked only for whether it can be parsed."""

_NO_FAULT = sorted(reason.value for reason in NO_FAULT)
NAMES = ("listener_id", "artist_id", "artist_name", "track_id", "track_name")


class UnreadableFileError(Exception):
    """A file that cannot be parsed at all. It goes to quarantine as a single row, numbered −1."""


@dataclass(frozen=True)
class ReadResult:
    """Attributes:
    plays: PLAYS, in the order of the file.
    quarantine: QUARANTINE.
    repairs: for each rule, the number of plays that it repaired; a rule for whole files counts all plays of the file.
    quarantined_listeners: the listener of each row of `quarantine`, or None where the row is too broken to name one;
        empty: of no row.
    """

    plays: pa.Table
    quarantine: pa.Table
    repairs: Mapping[Repair, int] = field(default_factory=dict)
    quarantined_listeners: tuple[str | None, ...] = ()

    @property
    def n_read(self) -> int:
        """Return the number of rows read; an unreadable file counts as one."""
        return int(self.plays.num_rows + self.quarantine.num_rows)


def settle(
    candidates: pl.DataFrame,
    *,
    source: Source,
    raw: Callable[[int], bytes],
    repaired: Mapping[Repair, pl.Series] | None = None,
    unnamed_artists: bool = False,
) -> ReadResult:
    """Return each candidate as a play or as a row of quarantine.

    Args:
        candidates: a frame of CANDIDATES.
        source: the file.
        raw: a row's number → its bytes as found.
        repaired: for each rule, a mask of the candidates that it repaired.
        unnamed_artists: whether the service leaves the names of unknown artists empty: such a row is a play of
            UNKNOWN_ARTIST. Elsewhere it lacks its artist.
    """
    latest = END if source.written_at is None else min(END, source.written_at + CLOCK_SKEW)
    candidates = candidates.with_columns(composed(candidates[name]) for name in NAMES)
    nameless = candidates.select(_blank("artist_name") & pl.col("artist_name").is_not_null()).to_series()
    if unnamed_artists and nameless.any():
        named = pl.when(nameless).then(pl.lit(UNKNOWN_ARTIST)).otherwise("artist_name")
        candidates = candidates.with_columns(named.alias("artist_name"))
    judged = candidates.with_columns(reason=_reason(latest), artist_id=_id("artist_id"), track_id=_id("track_id"))
    is_play = judged["reason"].is_null()
    good = judged.filter(is_play)
    n_faulty = int((~is_play & ~judged["reason"].is_in(_NO_FAULT)).sum())
    if n_faulty > max(MAX_BAD_ROWS, good.height):
        return unreadable(source.name, b"", Reason.TOO_MANY)
    plays = good.with_columns(
        ms_played=pl.col("ms_played").cast(pl.Int64), source=pl.lit(source.format), file=pl.lit(source.name)
    )
    bad = judged.filter(pl.col("reason").is_not_null())
    rows = bad["row"].to_list()
    quarantine = pa.table(
        [[source.name] * len(rows), rows, bad["reason"].to_list(), [raw(row)[: source.raw_bytes] for row in rows]],
        schema=QUARANTINE,
    )
    repairs = {**(repaired or {}), **({Repair.NO_ARTIST: nameless} if unnamed_artists else {})}
    counts = {rule: int((where & is_play).sum()) for rule, where in repairs.items()}
    return ReadResult(
        plays.select(PLAYS.names).to_arrow().cast(PLAYS),
        quarantine,
        {rule: n for rule, n in counts.items() if n},
        tuple(bad["listener_id"].to_list()),
    )


def unreadable(path: str, data: bytes, reason: Reason = Reason.UNREADABLE) -> ReadResult:
    """Return the result of an unreadable file. Nothing of it is used: half a file would look like a quiet day."""
    quarantine = pa.table([[path], [-1], [reason.value], [data[:RAW_BYTES]]], schema=QUARANTINE)
    return ReadResult(PLAYS.empty_table(), quarantine)


def composed(texts: pl.Series) -> pl.Series:
    """Return texts in Unicode's composed form (NFC): players write "Zoë" in two ways that look the same."""
    if (texts.str.len_bytes() == texts.str.len_chars()).all():  # ASCII
        return texts
    return texts.str.normalize("NFC")


def _blank(column: str) -> pl.Expr:
    return pl.col(column).is_null() | (pl.col(column).str.strip_chars() == "")


def _id(column: str) -> pl.Expr:
    """Return the id or, if the source has none, the names that stand for it."""
    name = pl.col("artist_name")
    if column == "track_id":
        name = pl.concat_str(name, pl.lit("/"), pl.col("track_name"))
    return pl.when(_blank(column)).then(name).otherwise(pl.col(column))


def _reason(latest: dt.datetime) -> pl.Expr:
    played_at, ms = pl.col("played_at"), pl.col("ms_played")
    faults = {
        Reason.UNSTORABLE: pl.any_horizontal(
            pl.col(name).str.contains("\x00", literal=True).fill_null(False) for name in NAMES
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
