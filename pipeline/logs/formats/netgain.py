"""Netgain's own format: one JSON object per line."""

import polars as pl

from pipeline.logs.contents import join_lines, split_lines
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonlines import LINE_REASONS, decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.values import iso_moments

_SCHEMA = dict.fromkeys(
    ("listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name", "ms_played"), pl.String
)


def read(data: bytes, source: Source) -> ReadResult:
    """Read objects whose keys are the columns of the play table, but for `source`, `file` and `row`."""
    lines = split_lines(data)
    frame = decode(lines, _SCHEMA)
    frame = frame.with_columns(iso_moments(frame["played_at"]).alias("played_at"))
    return settle(frame.select(*CANDIDATES), source=source, raw=lines.raw)


def _recognises(head: Head) -> bool | None:
    return {"listener_id", "played_at"} <= head.keys if head.keys else None


FORMAT = Format(
    name="netgain",
    description="JSON lines with the columns of the play table",
    patterns=("*.jsonl",),
    reader=read,
    recognises=_recognises,
    reasons=LINE_REASONS,
    assemble=join_lines,
    listener="`listener_id`",
    played_at="ISO 8601 with Z or an offset",
    ms_played="`ms_played`, may be absent",
    cannot_know=("how long a play without `ms_played` lasted",),
)
