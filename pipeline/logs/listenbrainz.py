"""ListenBrainz's dump of listens: one JSON object a line."""

import polars as pl

from pipeline.logs.contents import split_lines
from pipeline.logs.jsonlines import Schema, decode
from pipeline.logs.reading import CANDIDATES, ReadResult, settle
from pipeline.logs.values import mbid, unix_moments

NAME = "listenbrainz"
PATTERNS = tuple(f"*{kind}{packed}" for kind in (".jsonl", ".listens") for packed in ("", ".gz", ".zst"))
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


def parse(data: bytes, relative: str, _root_name: str) -> ReadResult:
    """Lines of `{"user_id", "user_name", "timestamp", "track_metadata": {…}}`.

    Identifiers of MusicBrainz are taken from ListenBrainz's own mapping, else from what the player sent; of several
    artists the first. The duration that players send is the track's length, not how long it played, and is not read.
    """
    lines = split_lines(data)
    frame = decode(lines, _SCHEMA)
    time = frame.select(pl.coalesce("timestamp", "listened_at")).to_series()
    track = pl.col("track_metadata").struct
    candidates = frame.select(
        "row",
        "reason",
        unix_moments(time).alias("played_at"),
        pl.coalesce("user_id", "user_name").alias("listener_id"),
        pl.coalesce(mbid(_of(source, "artist_mbids").list.first()) for source in _SOURCES).alias("artist_id"),
        track.field("artist_name"),
        pl.coalesce(mbid(_of(source, "recording_mbid")) for source in _SOURCES).alias("track_id"),
        track.field("track_name"),
        pl.lit(None, dtype=pl.String).alias("ms_played"),
    )
    return settle(candidates.select(*CANDIDATES), source=NAME, relative=relative, raw=lines.raw)


_SOURCES = ("mbid_mapping", "additional_info")


def _of(source: str, field: str) -> pl.Expr:
    return pl.col("track_metadata").struct.field(source).struct.field(field)
