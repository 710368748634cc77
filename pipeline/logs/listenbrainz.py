"""ListenBrainz's dump of listens: one JSON object a line."""

from collections.abc import Callable

import polars as pl

from pipeline.logs.contents import Lines, join_lines, split_lines
from pipeline.logs.jsonlines import Schema, decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Repair, Source, settle
from pipeline.logs.values import is_no_mbid, mbid, unix_moments

NAME = "listenbrainz"
PATTERNS = tuple(f"*{kind}{packed}" for kind in (".jsonl", ".listens") for packed in ("", ".gz", ".zst"))
ASSEMBLE = join_lines
_MBIDS = pl.Struct({"recording_mbid": pl.String, "artist_mbids": pl.List(pl.String)})
_SCHEMA: Schema = {
    "user_id": pl.String,
    "user_name": pl.String,
    "timestamp": pl.String,
    "listened_at": pl.String,
    "track_metadata": pl.Struct(
        {"artist_name": pl.String, "track_name": pl.String, "additional_info": _MBIDS, "mbid_mapping": _MBIDS}
    ),
}


def parse(data: bytes, source: Source) -> ReadResult:
    """Lines of `{"user_id", "user_name", "timestamp", "track_metadata": {…}}`.

    Identifiers of MusicBrainz are taken from ListenBrainz's own mapping, else from what the player sent; of several
    artists the first. The duration that players send is the track's length, not how long it played, and is not read.
    """
    return settle_listens(split_lines(data), source, format=NAME)


def settle_listens(
    lines: Lines,
    source: Source,
    *,
    format: str,
    listener: str | None = None,
    reason: pl.Expr | None = None,
    raw: Callable[[int], bytes] | None = None,
) -> ReadResult:
    """Lines of listens, judged.

    Args:
        lines: a listen each.
        source: the file.
        format: the format's name.
        listener: whose they are, where listens do not say.
        reason: why all of them are put aside.
        raw: bytes of a row as found; by default the line's.
    """
    frame = decode(lines, _SCHEMA)
    time = frame.select(pl.coalesce("timestamp", "listened_at")).to_series()
    track = pl.col("track_metadata").struct
    moments, repaired = unix_moments(time)
    candidates = frame.select(
        "row",
        pl.col("reason") if reason is None else pl.coalesce("reason", reason).alias("reason"),
        moments.alias("played_at"),
        (pl.coalesce("user_id", "user_name") if listener is None else pl.lit(listener)).alias("listener_id"),
        pl.coalesce(mbid(_of(source, "artist_mbids").list.first()) for source in _SOURCES).alias("artist_id"),
        track.field("artist_name"),
        pl.coalesce(mbid(_of(source, "recording_mbid")) for source in _SOURCES).alias("track_id"),
        track.field("track_name"),
        pl.lit(None, dtype=pl.String).alias("ms_played"),
    )
    bad = frame.select(pl.any_horizontal(is_no_mbid(given) for of in _SOURCES for given in _mbids(of))).to_series()
    return settle(
        candidates.select(*CANDIDATES),
        format=format,
        source=source,
        raw=raw or lines.raw,
        repaired=repaired | {Repair.NO_MBID: bad},
    )


_SOURCES = ("mbid_mapping", "additional_info")


def _mbids(source: str) -> tuple[pl.Expr, pl.Expr]:
    return _of(source, "artist_mbids").list.first(), _of(source, "recording_mbid")


def _of(source: str, field: str) -> pl.Expr:
    return pl.col("track_metadata").struct.field(source).struct.field(field)
