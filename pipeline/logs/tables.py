"""Read CSV, JSON lines and Parquet by a column map (`pipeline.logs.columns`)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice

import polars as pl
import pyarrow as pa

from pipeline.logs.columns import ColumnMap
from pipeline.logs.contents import read_parquet, split_lines
from pipeline.logs.csvrows import Record, read_records
from pipeline.logs.jsonarray import raw_json
from pipeline.logs.jsonlines import decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, UnreadableFileError, settle
from pipeline.logs.reasons import Reason, Repair
from pipeline.logs.values import (
    MOMENT,
    any_moments,
    is_no_mbid,
    iso_moments,
    mbid,
    patterned_moments,
    plain_row,
    unix_moments,
    utc,
    whole,
)

_PREAMBLE_LINES = 20
_COMMENTS = (b"#", b"+ACM-")  # Libre.fm writes # as +ACM-


def parse_csv(data: bytes, source: Source, maps: Sequence[ColumnMap], *, mbids: bool = False) -> ReadResult:
    """Read a CSV by the first map whose columns it has. Comments above its header are not rows.

    Args:
        data: the content.
        source: the file.
        maps: column maps; one that declares a header fits files with as many columns.
        mbids: whether ids are MusicBrainz identifiers; then any other text in their place is left out.

    Raises:
        UnreadableFileError: it has the columns of no map.
    """
    for columns in maps:
        read = partial(read_records, data, delimiter=columns.delimiter, quote=columns.quote)
        n_columns = None if columns.header is None else len(columns.header)
        found = _header(list(islice(read(n_columns=n_columns), _PREAMBLE_LINES)), columns)
        if found is not None:
            names, after = found
            # Services write comments above the header; anything else there is a misplaced row.
            records = [
                replace(r, fields=()) if r.row < after else r
                for r in read(n_columns=len(names))
                if r.row > after or (r.row < after and not r.raw.startswith(_COMMENTS))
            ]
            return _settle_records(records, names, columns, source=source, mbids=mbids)
    if not data.strip():
        return _settle_records([], [], maps[0], source=source, mbids=mbids)
    raise UnreadableFileError("no such columns")


def parse_lines(data: bytes, source: Source, columns: ColumnMap) -> ReadResult:
    """Read JSON lines: objects with the columns as keys."""
    lines = split_lines(data)
    frame = decode(lines, dict.fromkeys(columns.columns.values(), pl.String))
    texts = frame.select("row", "reason", *(pl.col(theirs).alias(ours) for ours, theirs in columns.columns.items()))
    return settle_texts(texts, columns.time, source=source, raw=lines.raw)


def parse_parquet(data: bytes, source: Source, columns: ColumnMap) -> ReadResult:
    """Read Parquet: texts, numbers, and times as timestamps or as the map says. Columns of other types count as absent.

    Raises:
        UnreadableFileError: it is not Parquet, lacks a column, or its texts are not UTF-8.
    """
    wanted = list(dict.fromkeys(columns.columns.values()))
    try:
        table = read_parquet(data, columns=wanted)
        table.validate(full=True)  # reading Parquet does not check that its texts are UTF-8
        frame = pl.DataFrame(table).select(wanted)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError, ValueError) as err:
        raise UnreadableFileError(str(err)) from err
    texts = frame.select(_text(frame[theirs], ours).alias(ours) for ours, theirs in columns.columns.items())
    texts = texts.with_columns(row=pl.int_range(frame.height, dtype=pl.Int64), reason=pl.lit(None, dtype=pl.String))
    return settle_texts(
        texts,
        columns.time,
        source=source,
        raw=lambda i: raw_json({k: v if v is None else str(v) for k, v in plain_row(frame, i).items()}),
    )


def _text(column: pl.Series, name: str) -> pl.Series:
    """Return a column of Parquet as text; the time may stay a timestamp."""
    if column.dtype == pl.String or column.dtype.is_numeric():
        return column.cast(pl.String)
    if name == "played_at" and isinstance(column.dtype, pl.Datetime):
        return column
    return pl.Series([None] * len(column), dtype=pl.String)


def settle_texts(
    texts: pl.DataFrame,
    time: str,
    *,
    source: Source,
    raw: Callable[[int], bytes],
    mbids: bool = False,
) -> ReadResult:
    """Return the plays and the quarantine of a table of texts.

    Args:
        texts: `row`, `reason` and columns by our names; `played_at` may be a timestamp.
        time: how times are written (`ColumnMap.time`).
        source: the file.
        raw: a row's number → its bytes as found.
        mbids: as of `parse_csv`.
    """
    repaired: dict[Repair, pl.Series] = {}
    played_at = texts["played_at"]
    if isinstance(played_at.dtype, pl.Datetime):
        moments = utc(played_at)
    elif time == "unix":
        moments, repaired = unix_moments(whole(played_at))
    elif time == "any":
        moments, repaired = any_moments(played_at)
    else:
        moments = iso_moments(played_at) if time == "iso" else patterned_moments(played_at, time)
    if "seconds_played" in texts.columns:
        texts = texts.with_columns(ms_played=_milliseconds(texts["seconds_played"]))
    elif "ms_played" in texts.columns:
        texts = texts.with_columns(ms_played=whole(texts["ms_played"]))
    absent = [name for name in CANDIDATES if name not in texts.columns]
    frame = texts.with_columns(
        moments.cast(MOMENT).alias("played_at"), *(pl.lit(None, pl.String).alias(n) for n in absent)
    )
    if "listener_id" in absent:
        frame = frame.with_columns(listener_id=pl.lit(source.listener))
    if mbids:
        ids = [pl.col("artist_id"), pl.col("track_id")]
        repaired[Repair.NO_MBID] = frame.select(pl.any_horizontal(map(is_no_mbid, ids))).to_series()
        frame = frame.with_columns(map(mbid, ids))
    return settle(frame.select(*CANDIDATES), source=source, raw=raw, repaired=repaired)


def _milliseconds(seconds: pl.Series) -> pl.Series:
    """Return seconds as the digits of milliseconds; a text that is not a number stays as it is."""
    rounded = (seconds.cast(pl.Float64, strict=False) * 1000).round()
    return rounded.set(~rounded.is_finite(), None).cast(pl.Int64, strict=False).cast(pl.String).fill_null(seconds)


def _header(records: Sequence[Record], columns: ColumnMap) -> tuple[Sequence[str], int] | None:
    """Return the columns' names and the header's row, −1 if the map names them; None if the map does not fit."""
    if columns.header is not None:
        return (columns.header, -1) if any(len(r.fields) == len(columns.header) for r in records) else None
    wanted = set(columns.columns.values())
    return next(((record.fields, record.row) for record in records if wanted <= set(record.fields)), None)


def _settle_records(
    records: Sequence[Record], names: Sequence[str], columns: ColumnMap, *, source: Source, mbids: bool
) -> ReadResult:
    places = {ours: names.index(theirs) for ours, theirs in columns.columns.items()} if names else {}
    rows = [
        {
            "row": record.row,
            "reason": record.reason or (None if len(record.fields) == len(names) else Reason.COLUMNS),
            **({ours: record.fields[i] for ours, i in places.items()} if len(record.fields) == len(names) else {}),
        }
        for record in records
    ]
    schema = {"row": pl.Int64, "reason": pl.String, **dict.fromkeys(columns.columns, pl.String)}
    texts = pl.DataFrame(rows, schema=schema)
    durations = [name for name in ("ms_played", "seconds_played") if name in texts.columns]
    texts = texts.with_columns(pl.col(durations).replace("", None))
    raw = {record.row: record.raw for record in records}
    return settle_texts(texts, columns.time, source=source, raw=raw.__getitem__, mbids=mbids)
