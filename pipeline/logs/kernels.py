"""Ingest as kernels of the engine: a file to plays, the plays of a day and bucket to one part."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.io.tables import PLAYS, QUARANTINE, write_json, write_table
from pipeline.logs.formats import reader_of
from pipeline.logs.landing import LandedFile, open_landed
from pipeline.logs.reading import ReadResult

KEY = "key"
"""`YYYY-MM-DD/NNN`: day and listener bucket."""
SHUFFLED = PLAYS.append(pa.field(KEY, pa.string(), nullable=False))

_ORDER = ["listener_id", "played_at", "artist_id", "track_id", "file", "row"]
_SAME_PLAY = ["listener_id", "played_at", "artist_id", "track_id", "ms_played"]


@dataclass(frozen=True)
class IngestTask:
    """One landed file.

    Attributes:
        number: of the file in the inventory.
        scratch: a folder on storage that all workers share; what is not a play is left there (`counts_path`).
    """

    number: int
    file: LandedFile
    format: str
    root: Path
    scratch: Path
    n_buckets: int

    @property
    def counts_path(self) -> Path:
        return self.scratch / f"{self.number:06d}.json"

    @property
    def quarantine_path(self) -> Path:
        return self.scratch / f"{self.number:06d}.parquet"


def read_plays(task: IngestTask) -> pa.Table:
    """Mapper: the plays of one file with their key (SHUFFLED). Counts and quarantine go to the task's scratch files.

    Raises:
        LandingError: the file is not what landed.
    """
    data = open_landed(task.root, task.file)
    result = reader_of(task.format).read_bytes(data, task.file.path, task.root.absolute().name)
    if result.quarantine.num_rows:
        write_table(task.quarantine_path, result.quarantine, QUARANTINE)
    write_json(task.counts_path, _counts(task.file.path, result))
    return _with_key(result.plays, task.n_buckets)


def write_part(rows: pa.Table, *, folder: Path) -> dict[str, Any]:
    """Reducer: the plays of one day and bucket, sorted and each once, to `folder/day=…/part-NNN.parquet`.

    A play is the same when listener, time, artist, track and duration are; the first by file and row stays.

    Returns:
        `{"accepted": {file: n}, "duplicate": {file: n}}`.
    """
    day, bucket = rows[KEY][0].as_py().split("/")
    plays = pl.DataFrame(rows.select(PLAYS.names)).sort(_ORDER)
    kept = plays.unique(_SAME_PLAY, keep="first", maintain_order=True)
    write_table(folder / f"day={day}" / f"part-{bucket}.parquet", kept.to_arrow(), PLAYS)
    read, accepted = _by_file(plays), _by_file(kept)
    duplicate = {file: n - accepted.get(file, 0) for file, n in read.items() if n > accepted.get(file, 0)}
    return {"accepted": accepted, "duplicate": duplicate}


def _with_key(plays: pa.Table, n_buckets: int) -> pa.Table:
    frame = pl.DataFrame(plays.select(["listener_id", "played_at"]))
    day = frame["played_at"].dt.date().alias("day")
    width = max(3, len(str(n_buckets - 1)))
    listeners = frame["listener_id"].unique()
    buckets = [f"/{zlib.crc32(listener.encode()) % n_buckets:0{width}d}" for listener in listeners]
    days = day.unique()
    key = (
        frame.select("listener_id", day)
        .join(
            pl.DataFrame({"listener_id": listeners, "b": pl.Series(buckets, dtype=pl.String)}),
            how="left",
            on="listener_id",
            maintain_order="left",
        )
        .join(pl.DataFrame({"day": days, "d": days.cast(pl.String)}), how="left", on="day", maintain_order="left")
        .select(pl.concat_str("d", "b").alias(KEY))
        .to_series()
    )
    return plays.append_column(SHUFFLED.field(KEY), key.to_arrow().cast(pa.string())).cast(SHUFFLED)


def _counts(path: str, result: ReadResult) -> dict[str, Any]:
    reasons = pl.Series(result.quarantine["reason"]).value_counts(sort=False).rows()
    played_at = pl.Series(result.plays["played_at"])
    first, last = played_at.min(), played_at.max()
    return {
        "path": path,
        "read": result.n_read,
        "quarantined": result.quarantine.num_rows,
        "reasons": dict(sorted(reasons)),
        "first_played_at": _iso(first),
        "last_played_at": _iso(last),
    }


def _iso(moment: Any) -> str | None:
    return None if moment is None else str(moment.isoformat()).replace("+00:00", "Z")


def _by_file(plays: pl.DataFrame) -> dict[str, int]:
    return dict(sorted(plays["file"].value_counts(sort=False).rows()))
