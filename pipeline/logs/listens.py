"""ListenBrainz's listens, a JSON object each, to plays and quarantine."""

from collections.abc import Callable

import polars as pl

from pipeline.logs.contents import Lines
from pipeline.logs.jsonlines import Schema, decode
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, settle
from pipeline.logs.reasons import Repair
from pipeline.logs.values import is_no_mbid, mbid, unix_moments

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
_TIMES = ("timestamp", "listened_at")
# ListenBrainz's own mapping comes before what the player sent.
_MAPPINGS = ("mbid_mapping", "additional_info")


def settle_listens(
    lines: Lines,
    source: Source,
    *,
    listener: str | None = None,
    reason: pl.Series | None = None,
    raw: Callable[[int], bytes] | None = None,
) -> ReadResult:
    """Return the plays and the quarantine of listens.

    MusicBrainz ids are those of ListenBrainz's own mapping, else those that the player sent; of several artists the
    first. The duration that players send is the track's length, not how long it played, and is not read.

    Args:
        lines: a listen each.
        source: the file.
        listener: the listener's id, if listens do not hold it.
        reason: why some of them go to quarantine, null for those that do not; None if none does.
        raw: a row's number → its bytes as found; by default the line's.
    """
    frame = decode(lines, _SCHEMA, fractions=_TIMES)
    time = frame.select(pl.coalesce("timestamp", "listened_at")).to_series()
    track = pl.col("track_metadata").struct
    moments, repaired = unix_moments(time)
    candidates = frame.select(
        "row",
        pl.col("reason") if reason is None else pl.coalesce("reason", pl.lit(reason)).alias("reason"),
        moments.alias("played_at"),
        (pl.coalesce("user_id", "user_name") if listener is None else pl.lit(listener)).alias("listener_id"),
        pl.coalesce(mbid(_of(each, "artist_mbids").list.first()) for each in _MAPPINGS).alias("artist_id"),
        track.field("artist_name"),
        pl.coalesce(mbid(_of(each, "recording_mbid")) for each in _MAPPINGS).alias("track_id"),
        track.field("track_name"),
        pl.lit(None, dtype=pl.String).alias("ms_played"),
    )
    bad = frame.select(pl.any_horizontal(is_no_mbid(given) for of in _MAPPINGS for given in _mbids(of))).to_series()
    return settle(
        candidates.select(*CANDIDATES), source=source, raw=raw or lines.raw, repaired=repaired | {Repair.NO_MBID: bad}
    )


def _mbids(mapping: str) -> tuple[pl.Expr, pl.Expr]:
    return _of(mapping, "artist_mbids").list.first(), _of(mapping, "recording_mbid")


def _of(mapping: str, field: str) -> pl.Expr:
    return pl.col("track_metadata").struct.field(mapping).struct.field(field)
