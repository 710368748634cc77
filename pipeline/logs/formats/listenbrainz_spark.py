"""ListenBrainz's dumps for Spark: Parquet of 11 columns, a full dump and then an incremental one a day."""

import json

import polars as pl
import pyarrow as pa

from pipeline.logs.contents import read_parquet
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.reading import CANDIDATES, ReadResult, Source, UnreadableFileError, settle
from pipeline.logs.reasons import Repair
from pipeline.logs.values import is_no_mbid, mbid, plain_row, utc

_COLUMNS = ("listened_at", "user_id", "artist_name", "recording_name", "recording_mbid", "artist_credit_mbids")


def read(data: bytes, source: Source) -> ReadResult:
    """Read six of the eleven columns. Of several artists the first stands for the play.

    Raises:
        UnreadableFileError: it is not Parquet, or one of the six columns is missing or of another type.
    """
    try:
        table = read_parquet(data, columns=list(_COLUMNS))
        table.validate(full=True)  # reading Parquet does not check that its texts are UTF-8
        frame = pl.DataFrame(table)
        candidates = frame.select(
            pl.int_range(frame.height, dtype=pl.Int64).alias("row"),
            pl.lit(None, dtype=pl.String).alias("reason"),
            pl.col("user_id").cast(pl.String).alias("listener_id"),
            _moments(frame["listened_at"]).alias("played_at"),
            mbid(pl.col("artist_credit_mbids").list.first()).alias("artist_id"),
            pl.col("artist_name").cast(pl.String),
            mbid(pl.col("recording_mbid")).alias("track_id"),
            pl.col("recording_name").cast(pl.String).alias("track_name"),
            pl.lit(None, dtype=pl.String).alias("ms_played"),
        ).select(*CANDIDATES)
    except (OSError, pa.ArrowException, pl.exceptions.PolarsError, ValueError) as err:
        raise UnreadableFileError(str(err)) from err
    given = (pl.col("artist_credit_mbids").list.first(), pl.col("recording_mbid"))
    bad = frame.select(pl.any_horizontal(is_no_mbid(each) for each in given)).to_series()
    return settle(candidates, source=source, raw=lambda i: _raw(frame, i), repaired={Repair.NO_MBID: bad})


def _moments(moments: pl.Series) -> pl.Series:
    if not isinstance(moments.dtype, pl.Datetime):
        raise UnreadableFileError("listened_at is not a timestamp")
    return utc(moments)


def _raw(frame: pl.DataFrame, row: int) -> bytes:
    return json.dumps(plain_row(frame, row), ensure_ascii=False, default=str).encode()


def _recognises(head: Head) -> bool | None:
    return head.columns.issuperset(_COLUMNS)


FORMAT = Format(
    name="listenbrainz-spark",
    description="Parquet, 11 columns, of which 6 are read",
    patterns=("*.parquet",),
    reader=read,
    recognises=_recognises,
    listener="`user_id`",
    played_at="`listened_at`",
    cannot_know=("how long a play lasted",),
)
