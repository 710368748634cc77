"""Landed files to one play table. What cannot be read goes to quarantine, and the counts add up."""

import functools
import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipeline.engine.executor import Executor, Result
from pipeline.io.tables import QUARANTINE, read_json, read_table, write_json, write_table
from pipeline.logs.kernels import KEY, SHUFFLED, IngestTask, read_plays, write_part
from pipeline.logs.landing import Landing, read_landing
from pipeline.stages.context import Context

_SCRATCH = ".ingest-"
_log = logging.getLogger(__name__)


def run(context: Context) -> str:
    from pipeline.engine.choose import executor_for

    layout = context.layout
    landing = read_landing(layout.landing, workspace=layout.root)
    with executor_for("logs", context.settings) as executor:
        report = ingest(
            landing,
            executor=executor,
            n_buckets=context.params.ingest.listener_buckets,
            plays=layout.plays,
            quarantine=layout.quarantine,
            report=layout.ingest_report,
        )
    counts = ", ".join(f"{report[name]:,} {name}" for name in ("accepted", "duplicate", "quarantined"))
    return f"{report['read']:,} rows read from {len(report['files'])} files = {counts}"


def ingest(
    landing: Landing, *, executor: Executor, n_buckets: int, plays: Path, quarantine: Path, report: Path
) -> dict[str, Any]:
    """Read all landed files; a reader of `plays` sees the old folder or the new one.

    Args:
        n_buckets: parts that a day is divided into by listener.
        plays: folder of PLAYS to write.
        quarantine: QUARANTINE to write.
        report: JSON to write, which is also returned: counts by file and in total, reasons.

    Raises:
        LandingError: a file is not what landed.
    """
    data = plays.parent
    data.mkdir(parents=True, exist_ok=True)
    for left_over in data.glob(f"{_SCRATCH}*"):
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=data) as name:
        scratch, fresh = Path(name), Path(name) / "plays"
        fresh.mkdir()
        tasks = [
            IngestTask(number, file, landing.format, landing.root, scratch, n_buckets)
            for number, file in enumerate(landing.files)
        ]
        _log.info("reading %d files of the format %s", len(tasks), landing.format)
        parts = executor.shuffle(
            read_plays, tasks, key=KEY, schema=SHUFFLED, reducer=functools.partial(write_part, folder=fresh)
        )
        found = summary(landing.format, [read_json(task.counts_path) for task in tasks], parts)
        write_table(quarantine, _quarantined(tasks), QUARANTINE)
        _replace_folder(fresh, plays)
    write_json(report, found)
    return found


def summary(format: str, counts: Sequence[dict[str, Any]], parts: Sequence[Result]) -> dict[str, Any]:
    """ingest.json from what mappers and reducers counted, each on its own.

    Args:
        counts: for each file what was read and quarantined.
        parts: for each part what was accepted or a duplicate, by file.
    """
    accepted, duplicate, reasons = Counter[str](), Counter[str](), Counter[str]()
    for part in parts:
        accepted.update(part["accepted"])
        duplicate.update(part["duplicate"])
    files = []
    for file in counts:
        path = file["path"]
        files.append({**file, "accepted": accepted[path], "duplicate": duplicate[path]})
        reasons.update(file["reasons"])
        settled = accepted[path] + duplicate[path] + file["quarantined"]
        assert file["read"] == settled, f"{path}: {file['read']} rows read, {settled} accounted for"
    total = {name: sum(file[name] for file in files) for name in ("read", "accepted", "duplicate", "quarantined")}
    assert total["accepted"] == accepted.total(), "plays of files that did not land"
    return {"format": format, **total, "reasons": dict(reasons), "files": files}


def _quarantined(tasks: Sequence[IngestTask]) -> pa.Table:
    tables = [read_table(t.quarantine_path, QUARANTINE) for t in tasks if t.quarantine_path.exists()]
    return pa.concat_tables([QUARANTINE.empty_table(), *tables])


def _replace_folder(fresh: Path, folder: Path) -> None:
    old = fresh.parent / "old"
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
