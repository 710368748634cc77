"""The Last.fm 1K log: tab-separated, without a header and without quoting."""

import numpy as np
import polars as pl
import pyarrow as pa

from pipeline.logs.contents import Lines, join_lines, split_lines
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.reading import CANDIDATES, MAX_LINE_BYTES, ReadResult, Source, settle
from pipeline.logs.reasons import Reason, Repair
from pipeline.logs.values import is_no_mbid, iso_moments, mbid

_COLUMNS = ("listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name")


def read(data: bytes, source: Source) -> ReadResult:
    """Read six columns: user, ISO 8601 time, artist MBID, artist, track MBID, track. MBIDs are often empty."""
    lines = split_lines(data)
    frame = _texts(lines)
    fields = pl.col("line").str.splitn("\t", len(_COLUMNS)).struct.rename_fields(list(_COLUMNS))
    complete = pl.col("line").str.count_matches("\t", literal=True) == len(_COLUMNS) - 1
    frame = frame.with_columns(
        pl.coalesce("reason", pl.when(~complete).then(pl.lit(Reason.COLUMNS.value))).alias("reason"), fields.alias("f")
    ).unnest("f")
    bad = frame.select(is_no_mbid(pl.col("artist_id")) | is_no_mbid(pl.col("track_id"))).to_series()
    frame = frame.with_columns(
        iso_moments(frame["played_at"]).alias("played_at"),
        mbid(pl.col("artist_id")),
        mbid(pl.col("track_id")),
        ms_played=pl.lit(None, dtype=pl.String),
    )
    return settle(frame.select(*CANDIDATES), source=source, raw=lines.raw, repaired={Repair.NO_MBID: bad})


def _texts(lines: Lines) -> pl.DataFrame:
    """Return row, line (text without its line end, empty if it is not UTF-8) and reason."""
    binary = pa.array([lines.line(i) for i in range(len(lines))], type=pa.large_binary())
    reasons: list[str | None] = [None] * len(lines)
    try:
        text = binary.cast(pa.large_string())
    except pa.ArrowInvalid:
        decoded = [_decoded(line) for line in binary.to_pylist()]
        text = pa.array([line or "" for line in decoded], type=pa.large_string())
        reasons = [Reason.NOT_UTF8 if line is None else None for line in decoded]
    for i in np.flatnonzero(lines.longer_than(MAX_LINE_BYTES)):
        reasons[i] = Reason.LONG_LINE
    return pl.DataFrame({"row": lines.number, "line": pl.Series(text), "reason": pl.Series(reasons, dtype=pl.String)})


def _decoded(line: bytes) -> str | None:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _recognises(head: Head) -> bool | None:
    rows = [line.split("\t") for line in head.lines]
    return any(len(row) == len(_COLUMNS) and iso_moments(pl.Series(row[1:2])).is_not_null().all() for row in rows)


FORMAT = Format(
    name="lastfm-1k",
    description="6 columns by tab, no header, no quoting",
    patterns=("userid-timestamp-*.tsv",),
    exceptions=("userid-profile*",),
    reader=read,
    recognises=_recognises,
    reasons=frozenset({Reason.LONG_LINE, Reason.NOT_UTF8, Reason.COLUMNS}),
    assemble=join_lines,
    listener="column 1",
    played_at="ISO 8601",
    cannot_know=("how long a play lasted", "the MusicBrainz id of 7 % of artists and 28 % of tracks"),
)
