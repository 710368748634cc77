"""The log that Rockbox and other players keep for Audioscrobbler (`.scrobbler.log`), a folder per listener."""

import polars as pl

from pipeline.logs.contents import join_lines
from pipeline.logs.csvrows import read_records
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, UnreadableFileError, settle
from pipeline.logs.reasons import Reason, Repair
from pipeline.logs.values import is_no_mbid, mbid, unix_moments

_COLUMNS = ("artist_name", "album", "track_name", "number", "seconds", "rating", "played_at", "track_id")
_MARK = "#AUDIOSCROBBLER/"
_SKIP = "S"


def read(data: bytes, source: Source) -> ReadResult:
    """Read lines of artist, album, title, number, length, rating, time and, since version 1.1, the track's MBID.

    Rating `L` is a play, and `S` a track that was skipped before its half: it goes to quarantine and is no fault. The
    length is the track's. Lines that start with `#` are no rows.

    Raises:
        UnreadableFileError: the first line does not say that it is such a log.
    """
    if data.strip() and not data.lstrip().startswith(_MARK.encode()):
        raise UnreadableFileError(f"no line {_MARK}…")
    records = [r for r in read_records(data, delimiter="\t", quote=None) if not r.raw.startswith(b"#")]
    widths = (len(_COLUMNS) - 1, len(_COLUMNS))
    rows = [
        {
            "row": record.row,
            "reason": record.reason or (None if len(record.fields) in widths else Reason.COLUMNS),
            **dict(zip(_COLUMNS, record.fields, strict=False)),
        }
        for record in records
    ]
    texts = pl.DataFrame(rows, schema={"row": pl.Int64, "reason": pl.String, **dict.fromkeys(_COLUMNS, pl.String)})
    moments, repaired = unix_moments(texts["played_at"])
    repaired[Repair.NO_MBID] = texts.select(is_no_mbid(pl.col("track_id")).fill_null(value=False)).to_series()
    skipped = pl.when(pl.col("rating").str.strip_chars().str.to_uppercase() == _SKIP).then(pl.lit(Reason.SKIPPED.value))
    candidates = texts.with_columns(
        pl.coalesce("reason", skipped).alias("reason"),
        moments.alias("played_at"),
        mbid(pl.col("track_id")),
        listener_id=pl.lit(source.listener),
        artist_id=pl.lit(None, pl.String),
        ms_played=pl.lit(None, pl.String),
    )
    raw = {record.row: record.raw for record in records}
    return settle(candidates.select(*CANDIDATES), source=source, raw=raw.__getitem__, repaired=repaired)


def _recognises(head: Head) -> bool | None:
    return head.text.lstrip().startswith(_MARK)


FORMAT = Format(
    name="rockbox",
    description=f"`{_MARK}1.1`, then 7 or 8 columns by tab, no quoting; rating `S` is a skip",
    patterns=(".scrobbler*.log", "*scrobbler*.log"),
    reader=read,
    recognises=_recognises,
    reasons=frozenset({Reason.LONG_LINE, Reason.NOT_UTF8, Reason.COLUMNS, Reason.SKIPPED}),
    assemble=lambda rows: f"{_MARK}1.1\n".encode() + join_lines(rows),
    listener_folders=True,
    listener="the folder",
    played_at="Unix time; of a player without a time zone (`#TZ/UNKNOWN`) its local time",
    cannot_know=("whose player it is", "how long a play lasted: the length is the track's", "ids of artists"),
)
