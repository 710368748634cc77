"""Events of `netgain serve`: plays, and beside them impressions and feedback, which are no plays."""

import polars as pl

from pipeline.identity.tokens import TOKEN
from pipeline.logs.contents import join_lines, split_lines
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.jsonlines import LINE_REASONS, decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.reasons import Reason
from pipeline.logs.values import iso_moments

_OTHERS = ("impression", "feedback")
_SCHEMA = dict.fromkeys(
    ("kind", "at", "listener_id", "artist_id", "artist_name", "track_id", "track_name", "ms_played"), pl.String
)


def read(data: bytes, source: Source) -> ReadResult:
    """Read plays; what is known not to be one goes to quarantine as no fault of the logs."""
    lines = split_lines(data)
    frame = decode(lines, _SCHEMA)
    other = pl.when(pl.col("kind").is_in(_OTHERS)).then(pl.lit(Reason.NO_PLAY.value))
    frame = frame.with_columns(
        iso_moments(frame["at"]).alias("played_at"),
        reason=pl.coalesce("reason", other),
        # An id that is no token, such as one that an erasure has overwritten, must not become a listener's name.
        listener_id=pl.when(pl.col("listener_id").str.contains(f"^{TOKEN.pattern}$")).then("listener_id"),
    )
    others = set(frame.filter(pl.col("kind").is_in(_OTHERS))["row"])

    def raw(row: int) -> bytes:
        # There is nothing to mend, and impressions outnumber plays.
        return b"" if row in others else lines.raw(row)

    return settle(frame.select(*CANDIDATES), source=source, raw=raw)


def _recognises(head: Head) -> bool | None:
    return {"kind", "at"} <= head.keys if head.keys else None


FORMAT = Format(
    name="netgain-events",
    description="segments of `netgain serve`: JSON lines with `kind`; plays are read",
    patterns=("*.events",),
    reader=read,
    recognises=_recognises,
    reasons=LINE_REASONS | {Reason.NO_PLAY},
    assemble=join_lines,
    pseudonymised=True,
    listener="`listener_id`, a token",
    played_at="`at`, ISO 8601 with Z or an offset",
    ms_played="`ms_played`, may be absent",
    cannot_know=("how long a play without `ms_played` lasted",),
)
