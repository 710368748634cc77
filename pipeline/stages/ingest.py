"""Stage ingest: read the landed files into one table of plays. Rows that cannot be read go to quarantine.

Each file is read once and each day is written once: results of earlier nights are cached, and the table is assembled
from them. A night reads the files that landed since, and writes the days that they have plays of.
"""

import datetime as dt
import shutil
import tempfile
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.identity.key import own_key
from pipeline.identity.tokens import OPEN_KEY
from pipeline.logs.kernels import QUARANTINE_FILE, DayTask, ReadTask, clock_of, read_file, write_day
from pipeline.logs.landing import LandedFile, Landing, read_landing, require_night_key
from pipeline.logs.pseudonyms import PrivacyRules
from pipeline.logs.reading import CLOCK_SKEW
from pipeline.runtime.cached_map import cached_map
from pipeline.runtime.code_closure import code_digest
from pipeline.runtime.executor import Executor, Result
from pipeline.stages.context import Context
from pipeline.stages.spec import DATA, StageSpec
from pipeline.storage.cache import Cache, key_of, link
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import QUARANTINED
from pipeline.storage.tables import conform, write_table

STAGE = StageSpec(
    desc="Read the landed files into one table of plays; rows that cannot be read go to quarantine",
    deps=(DATA.landing,),
    params=("ingest.listener_buckets",),
    outs=(DATA.days, DATA.plays, DATA.quarantine),
    metrics=(DATA.ingest_report,),
)

_SCRATCH = f"{PREFIX}ingest-"

SMALL_BYTES = 65_536
"""Files up to this size [B] may be read in batches."""
MANY_FILES = 512
"""Number of small files from which they are."""
BATCH_FILES = 256
"""Small files per batch, on average."""


def run(context: Context) -> str:
    from pipeline.runtime.choose import executor_for

    layout = context.layout
    landing = read_landing(layout.landing, workspace=layout.root)
    with executor_for("logs", context.settings) as executor:
        report = ingest(
            landing,
            executor=executor,
            n_buckets=context.params.ingest.listener_buckets,
            plays=layout.plays,
            days=layout.days,
            quarantine=layout.quarantine,
            report=layout.ingest_report,
            cache=layout.cache,
            id_key=own_key(context.settings),
        )
    counts = ", ".join(f"{report[name]:,} {name}" for name in ("accepted", "duplicate", "quarantined"))
    both = report["in_extended_history"]
    also = f"; {both:,} plays are in both of Spotify's exports, and the extended ones count" if both else ""
    return f"{report['read']:,} rows read from {len(report['files'])} files = {counts}{also}"


def ingest(
    landing: Landing,
    *,
    executor: Executor,
    n_buckets: int,
    plays: Path,
    days: Path,
    quarantine: Path,
    report: Path,
    cache: Path,
    id_key: bytes = OPEN_KEY,
) -> dict[str, Any]:
    """Write the play table and return ingest.json: counts by file and in total, reasons, repairs.

    `plays` is replaced as a whole: a process that reads it sees the old folder or the new one.

    Args:
        landing: the night's inventory.
        executor: runs the kernels.
        n_buckets: number of parts per day, by listener.
        plays: folder of PLAYS to write.
        days: JSON to write: for each day, a digest of what its plays were made from.
        quarantine: QUARANTINED to write.
        report: ingest.json, to write.
        cache: folder of results of earlier runs.
        id_key: the key of tokens that the inventory was taken with.

    Raises:
        LandingError: a file changed since the inventory.
        SettingsError: it is another key.
    """
    require_night_key(landing, id_key)
    data = plays.parent
    data.mkdir(parents=True, exist_ok=True)
    for orphan in data.glob(f"{_SCRATCH}*"):
        shutil.rmtree(orphan, ignore_errors=True)
    files, made = Cache(cache / "files"), Cache(cache / "days")
    code = code_digest(read_file.__module__)
    root_name = landing.root.absolute().name
    columns = landing.columns
    given = (columns and columns.model_dump(mode="json"), landing.erased and landing.erased.as_json(), landing.id_key)
    privacy = PrivacyRules(id_key, landing.erased)
    plain = []
    for batch in batches(landing.files):
        formats = tuple(landing.format_of(file).name for file in batch)
        contents = [[format, file.content, file.shown] for format, file in zip(formats, batch, strict=True)]
        key = key_of(code, root_name, given, contents)
        plain.append(ReadTask(key, batch, formats, landing.root, files.folder, columns=columns, privacy=privacy))
    seen = cached_map(plain, files, read_file, executor)
    reads = [_by_clock(task, found) for task, found in zip(plain, seen, strict=True)]
    done = cached_map(reads, files, read_file, executor) if reads != plain else seen
    by_path = {
        file.path: count
        for task, found in zip(reads, done, strict=True)
        for file, count in zip(task.files, found["files"], strict=True)
    }
    counts = [by_path[file.path] for file in landing.files]
    puts = day_tasks(reads, done, made.folder, n_buckets)
    parts = cached_map(puts, made, write_day, executor)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=data) as name:
        fresh = Path(name) / "plays"
        fresh.mkdir()
        for task in puts:
            folder = fresh / f"day={task.day}"
            folder.mkdir()
            for part in made.at(task.key).glob("*.parquet"):
                link(part, folder / part.name)
        quarantined = _quarantined([files.at(task.key) for task in reads])
        read_counts = _with_replayed(counts, landing.files, quarantined)
        found = summary(landing.format, read_counts, parts)
        write_table(quarantine, quarantined, QUARANTINED)
        _replace_folder(fresh, plays)
    write_json(days, {task.day: task.key for task in puts})
    write_json(report, found)
    files.forget_others({task.key for task in plain + reads})
    made.forget_others({task.key for task in puts})
    return found


def is_ahead(file: LandedFile, found: Mapping[str, Any]) -> bool:
    """Return whether a file has plays later than its own timestamp by more than CLOCK_SKEW."""
    last, clock = found["last_played_at"], clock_of(file)
    return last is not None and clock is not None and dt.datetime.fromisoformat(last) > clock + CLOCK_SKEW


def _by_clock(task: ReadTask, found: Mapping[str, Any]) -> ReadTask:
    """Return the task, with the clock of those files that have plays ahead of it."""
    ahead = [file for file, count in zip(task.files, found["files"], strict=True) if is_ahead(file, count)]
    if not ahead:
        return task
    key = key_of(task.key, [[file.path, file.written_at] for file in ahead])
    return replace(task, key=key, by_clock=frozenset(file.path for file in ahead))


def batches(files: Sequence[LandedFile]) -> list[tuple[LandedFile, ...]]:
    """Return the files to be read together: each alone, but small ones in batches where there are many.

    A batch ends where the checksum of a path says so, so that a new file changes the batch that it falls into, and no
    other.
    """
    small = [file for file in files if file.bytes <= SMALL_BYTES]
    if len(small) <= MANY_FILES:
        return [(file,) for file in files]
    found: list[tuple[LandedFile, ...]] = [(file,) for file in files if file.bytes > SMALL_BYTES]
    batch: list[LandedFile] = []
    for file in small:
        batch.append(file)
        if zlib.crc32(file.path.encode()) % BATCH_FILES == 0 or len(batch) == 4 * BATCH_FILES:
            found.append(tuple(batch))
            batch = []
    return [*found, tuple(batch)] if batch else found


def day_tasks(reads: Sequence[ReadTask], counts: Sequence[Result], cache: Path, n_buckets: int) -> list[DayTask]:
    """Return a task for each day that the files have plays of, in order; its key covers all it depends on."""
    sources: dict[str, list[tuple[str, int]]] = {}
    for task, found in zip(reads, counts, strict=True):
        for day, group in found["days"].items():
            sources.setdefault(day, []).append((task.key, group))
    return [
        DayTask(
            key_of(day, [key for key, _ in sources[day]], n_buckets),
            day,
            tuple(sources[day]),
            reads[0].cache,
            cache,
            n_buckets,
        )
        for day in sorted(sources)
    ]


def summary(format: str, counts: Sequence[Mapping[str, Any]], parts: Sequence[Result]) -> dict[str, Any]:
    """Return ingest.json from the counts of reading files and, independently, of writing days.

    Args:
        format: of the files.
        counts: for each file, rows read, quarantined, and replayed among the quarantined.
        parts: for each day, accepted and duplicate plays by file, and plays in both of Spotify's exports.
    """
    accepted, duplicate, reasons, repairs = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    extended = sum(part["extended"] for part in parts)
    for part in parts:
        accepted.update(part["accepted"])
        duplicate.update(part["duplicate"])
    files = []
    for count in counts:
        file = dict(count)
        path = file["path"]
        files.append({**file, "accepted": accepted[path], "duplicate": duplicate[path]})
        reasons.update(file["reasons"])
        repairs.update(file["repairs"])
        settled = accepted[path] + duplicate[path] + file["quarantined"]
        assert file["read"] == settled, f"{path}: {file['read']} rows read, {settled} accounted for"
    total = {
        name: sum(file[name] for file in files) for name in ("read", "accepted", "duplicate", "quarantined", "replayed")
    }
    assert total["accepted"] == accepted.total(), "plays of files that did not land"
    return {
        "format": format,
        **total,
        "reasons": dict(sorted(reasons.items())),
        "repairs": dict(sorted(repairs.items())),
        "in_extended_history": extended,
        "files": files,
    }


def _quarantined(folders: Sequence[Path]) -> pa.Table:
    paths = [folder / QUARANTINE_FILE for folder in folders]
    there = [path for path in paths if path.exists()]
    return conform(pl.read_parquet(there).to_arrow(), QUARANTINED) if there else QUARANTINED.empty_table()


def _with_replayed(counts: Sequence[Result], files: Sequence[LandedFile], quarantine: pa.Table) -> list[Result]:
    """Return the counts with the number of quarantined rows that landed again, mended."""
    replayed = {file.shown: set(file.replayed) for file in files if file.replayed}
    if not replayed:
        return [count | {"replayed": 0} for count in counts]
    found = Counter(row["file"] for row in quarantine.to_pylist() if row["row"] in replayed.get(row["file"], ()))
    return [count | {"replayed": found[count["path"]]} for count in counts]


def _replace_folder(fresh: Path, folder: Path) -> None:
    old = fresh.parent / "old"
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
