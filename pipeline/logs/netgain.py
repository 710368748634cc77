"""Netgain's own format: one JSON object a line, plain or compressed."""

import polars as pl

from pipeline.logs.contents import join_lines, split_lines
from pipeline.logs.jsonlines import decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.values import iso_moments

NAME = "netgain"
PATTERNS = ("*.jsonl", "*.jsonl.gz", "*.jsonl.zst")
ASSEMBLE = join_lines
_SCHEMA = dict.fromkeys(
    ("listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name", "ms_played"), pl.String
)


def parse(data: bytes, source: Source) -> ReadResult:
    """Lines of `{"listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name", "ms_played"}`."""
    lines = split_lines(data)
    frame = decode(lines, _SCHEMA)
    frame = frame.with_columns(iso_moments(frame["played_at"]).alias("played_at"))
    return settle(frame.select(*CANDIDATES), format=NAME, source=source, raw=lines.raw)
