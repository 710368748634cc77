"""Ingest as kernels over partitions: a file to its plays by day, and the plays of a day to one part per bucket."""

import datetime as dt
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.logs.columns import ColumnMap
from pipeline.logs.formats import format_of
from pipeline.logs.landing import LandedFile, open_landed
from pipeline.logs.pseudonyms import OPEN_RULES, PrivacyRules, pseudonymise
from pipeline.logs.reading import FIRST, RAW_BYTES, ReadResult, Source
from pipeline.storage.cache import Cache, Result
from pipeline.storage.schemas import PLAYS, QUARANTINED
from pipeline.storage.tables import conform, parquet_options, write_table

PLAYS_FILE, QUARANTINE_FILE = "plays.parquet", "quarantine.parquet"
_ORDER = ["listener_id", "played_at", "artist_id", "track_id", "file", "row"]
ACCOUNT, EXTENDED = "spotify", "spotify-extended"
_SAME_PLAY = ["listener_id", "played_at", "artist_id", "track_id", "ms_played"]


@dataclass(frozen=True)
class ReadTask:
    """Landed files to read: a big one, or a batch of small ones. Their result is cached under `key`.

    `by_clock` holds the paths of files whose plays later than the file go to quarantine. Few files have any, and the
    check makes the result depend on the file's time: for the others, a copy with another time finds the same cached
    result.
    """

    key: str
    files: tuple[LandedFile, ...]
    formats: tuple[str, ...]
    root: Path
    cache: Path
    by_clock: frozenset[str] = frozenset()
    columns: ColumnMap | None = None
    privacy: PrivacyRules = OPEN_RULES


@dataclass(frozen=True)
class DayTask:
    """One day to write; its result is cached under `key`.

    Attributes:
        key: digest of everything the day depends on.
        day: YYYY-MM-DD.
        sources: for each file with plays of the day, its key and the number of the day's row group.
        read: folder of the cached results of files.
        cache: folder of the cached results of days.
        n_buckets: number of parts, by listener.
    """

    key: str
    day: str
    sources: tuple[tuple[str, int], ...]
    read: Path
    cache: Path
    n_buckets: int


def read_file(task: ReadTask) -> Result:
    """Write the plays of the files, a row group for each day, and their quarantine.

    Returns:
        `files`: for each, its counts, reasons, first and last play; and `days`: the number of each day's row group.

    Raises:
        LandingError: a file changed since the inventory.
    """
    results = [_read(task, file, format) for file, format in zip(task.files, task.formats, strict=True)]
    plays = pa.concat_tables([result.plays for result in results])
    quarantine = pa.concat_tables([result.quarantine for result in results])

    def build(folder: Path) -> Result:
        if quarantine.num_rows:
            write_table(folder / QUARANTINE_FILE, quarantine, QUARANTINED)
        days = _write_days(folder / PLAYS_FILE, plays) if plays.num_rows else []
        counts = [_counts(file.shown, result) for file, result in zip(task.files, results, strict=True)]
        return {"files": counts, "days": {day: number for number, day in enumerate(days)}}

    return Cache(task.cache).make(task.key, build)


def _read(task: ReadTask, file: LandedFile, format: str) -> ReadResult:
    data = open_landed(task.root, file)
    written_at = clock_of(file) if file.path in task.by_clock else None
    source = Source(
        file.path,
        task.root.absolute().name,
        written_at,
        raw_bytes=RAW_BYTES if task.privacy.erased is None else None,  # an erased listener may stand at a row's end
        columns=task.columns,
        shown=file.shown,
    )
    reader = format_of(format)
    return pseudonymise(reader.read(data, source), task.privacy, are_tokens=reader.pseudonymised)


def clock_of(file: LandedFile) -> dt.datetime | None:
    """Return when a file was last written; None if it is dated before any service logged plays: by no clock."""
    written_at = dt.datetime.fromtimestamp(file.written_at, dt.UTC)
    return written_at if written_at >= FIRST else None


def write_day(task: DayTask) -> Result:
    """Write the plays of one day, sorted and without duplicates, to `part-NNN.parquet`.

    Plays are duplicates if listener, time, artist, track and duration are equal; the first by file and row stays. A
    play of Spotify's account export is one if the listener's extended history holds it, too.

    Returns:
        `{"accepted": {file: n}, "duplicate": {file: n}, "extended": n}`: `extended` counts the plays that are in both
        of Spotify's exports.
    """
    sources = [_read_day(Cache(task.read).at(key) / PLAYS_FILE, group) for key, group in task.sources]
    plays = pl.concat(sources).sort(_ORDER)
    first, extended = _is_first(plays), _in_extended_history(plays)
    unique = plays.filter(first & ~extended)
    read, accepted = _by_file(plays), _by_file(unique)
    duplicate = {file: n - accepted.get(file, 0) for file, n in read.items() if n > accepted.get(file, 0)}

    def build(folder: Path) -> Result:
        for bucket, part in _buckets(unique, task.n_buckets):
            write_table(folder / f"part-{bucket}.parquet", part.to_arrow(), PLAYS)
        return {"accepted": accepted, "duplicate": duplicate, "extended": int((first & extended).sum())}

    return Cache(task.cache).make(task.key, build)


def _is_first(plays: pl.DataFrame) -> pl.Series:
    """Return a mask of the plays that are the first of their duplicates; `plays` is sorted.

    Plays with equal listener, time, artist and track are adjacent, so the number of such a run stands for all four and
    texts are compared once.
    """
    changes = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in _SAME_PLAY[:-1])
    return plays.select(pl.struct(changes.cum_sum().alias("run"), "ms_played").is_first_distinct()).to_series()


def _in_extended_history(plays: pl.DataFrame) -> pl.Series:
    """Return a mask of the plays of Spotify's account export that the extended history holds as well.

    The former gives their end to the minute and names the track's artist, the latter to the second and the album's. So
    minute, title and duration decide.
    """
    if not {ACCOUNT, EXTENDED} <= set(plays["source"].unique()):
        return pl.repeat(False, plays.height, eager=True)
    same, minute = ["listener_id", "minute", "track_name", "ms_played"], pl.col("played_at").dt
    history = plays.filter(pl.col("source") == EXTENDED)
    known = pl.concat([history.with_columns(minute=each) for each in (minute.truncate("1m"), minute.round("1m"))])
    held = (
        plays.with_columns(minute=minute.truncate("1m")).with_row_index().join(known.select(same), on=same, how="semi")
    )
    at = plays.with_row_index().select(pl.col("index").is_in(held["index"].implode())).to_series()
    return at & (plays["source"] == ACCOUNT)


@lru_cache(maxsize=32)
def _opened(path: Path) -> pq.ParquetFile:
    """Open a file once for all its days."""
    return pq.ParquetFile(path)


def _read_day(path: Path, group: int) -> pl.DataFrame:
    """Return the plays of one row group. Polars takes half of Arrow's time but reads whole files only."""
    file = _opened(path)
    return pl.read_parquet(path) if file.num_row_groups == 1 else pl.DataFrame(file.read_row_group(group))


def _write_days(path: Path, plays: pa.Table) -> list[str]:
    """Write a row group for each day and return the days in that order."""
    by_day = _by_day(plays)
    with pq.ParquetWriter(path, PLAYS, compression="lz4", **parquet_options(PLAYS)) as writer:  # read back soon
        for _, part in by_day:
            writer.write_table(conform(part, PLAYS), row_group_size=part.num_rows)
    return [str(day) for day, _ in by_day]


def _by_day(plays: pa.Table) -> list[tuple[dt.date, pa.Table]]:
    days = pl.Series("day", plays["played_at"]).dt.date()
    if days.n_unique() == 1:
        return [(days[0], plays)]
    parts = pl.DataFrame(plays).with_columns(days).partition_by("day", as_dict=True, include_key=False)
    return [(day, parts[(day,)].to_arrow()) for (day,) in sorted(parts)]


def _buckets(plays: pl.DataFrame, n_buckets: int) -> list[tuple[str, pl.DataFrame]]:
    """Return the plays of each bucket of listeners, without empty buckets."""
    width = max(3, len(str(n_buckets - 1)))
    if n_buckets == 1:
        return [("0" * width, plays)]
    listeners = plays["listener_id"].unique()
    numbers = [f"{zlib.crc32(listener.encode()) % n_buckets:0{width}d}" for listener in listeners]
    buckets = pl.DataFrame({"listener_id": listeners, "bucket": pl.Series(numbers, dtype=pl.String)})
    joined = plays.join(buckets, how="left", on="listener_id", maintain_order="left")
    parts = joined.partition_by("bucket", as_dict=True, include_key=False)
    return [(str(bucket), parts[(bucket,)]) for (bucket,) in sorted(parts)]


def _counts(path: str, result: ReadResult) -> dict[str, Any]:
    reasons = pl.Series(result.quarantine["reason"]).value_counts(sort=False).rows()
    played_at = pl.Series(result.plays["played_at"])
    return {
        "path": path,
        "read": result.n_read,
        "quarantined": result.quarantine.num_rows,
        "reasons": dict(sorted(reasons)),
        "repairs": dict(sorted(result.repairs.items())),
        "first_played_at": _iso(played_at.min()),
        "last_played_at": _iso(played_at.max()),
    }


def _iso(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat()).replace("+00:00", "Z")


def _by_file(plays: pl.DataFrame) -> dict[str, int]:
    return dict(sorted(plays["file"].value_counts(sort=False).rows()))
