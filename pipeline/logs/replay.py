"""Export rows from quarantine, to be mended by hand, and land them again."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import LandingError, ParamsError
from pipeline.logs.archives import file_of
from pipeline.logs.contents import join_lines
from pipeline.logs.format import Format
from pipeline.logs.kernels import clock_of
from pipeline.logs.landing import LandedFile, Landing, open_landed, owner_of, with_owner
from pipeline.logs.manifest import TABLE, Entry, shown_of
from pipeline.logs.reading import ARCHIVE, ReadResult, Source
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append, entries
from pipeline.storage.atomic import atomic_path
from pipeline.storage.json_files import read_json, write_json

ROWS_FILE = ".rows.json"
"""The ending of the file beside an export that says which rows it holds."""


def read_again(landing: Landing, file: LandedFile) -> ReadResult:
    """Read a landed file with today's code, keeping bad rows whole.

    Raises:
        LandingError: it changed since the inventory.
    """
    source = Source(
        file.path,
        landing.root.absolute().name,
        clock_of(file),
        raw_bytes=None,
        columns=landing.columns,
        shown=file.shown,
    )
    return landing.format_of(file).read(open_landed(landing.root, file), source)


def export(landing: Landing, path: str, out: Path, *, reasons: Collection[str] = ()) -> int:
    """Write the quarantined rows of a landed file, whole, to a file of the same format.

    `out` + ".rows.json" records which rows they are.

    Args:
        landing: the night's inventory.
        path: of the file, relative to the landing root.
        out: the file to write.
        reasons: only rows with these reasons; empty for all.

    Returns:
        The number of rows.

    Raises:
        LandingError: there is no such file, no such row, or single rows of this format cannot be mended.
    """
    file = _file(landing, path)
    format = landing.format_of(file)
    assemble = format.assemble
    rows = [row for row in read_again(landing, file).quarantine.to_pylist() if not reasons or row["reason"] in reasons]
    if assemble is None or any(row["row"] < 0 for row in rows):
        found = f"{path} is unreadable as a whole" if assemble else f"rows of the format {format.name}"
        raise LandingError(found, expected="rows that can be mended by hand", fix="Mend it at its source.")
    if not rows:
        raise LandingError(f"no such row of {path} in quarantine", expected="a row", fix="See `netgain quarantine`.")
    with atomic_path(out) as temporary:
        temporary.write_bytes(assemble([row["raw"] for row in rows]))
    origin = {"format": landing.format, "path": file.shown, "sha256": file.sha256}
    write_json(_rows_file(out), origin | {"rows": [row["row"] for row in rows]})
    return len(rows)


def land_mended(landing: Landing, mended: Path) -> tuple[str, Entry]:
    """Land the rows of a mended file beside the file that they came from.

    Returns:
        The new file's path in tables and reports, and its entry for the ledger without author and reason.

    Raises:
        LandingError: a row is still bad, there are more rows than were exported, or the file that they came from
            changed since.
    """
    origin = _origin(mended)
    file = _file(landing, origin["path"])
    if (landing.format, file.sha256) != (origin["format"], origin["sha256"]):
        raise LandingError(
            f"{file.shown} changed after its rows were exported to {mended}",
            expected="the same file",
            fix="Export its rows again.",
        )
    data, rows = mended.read_bytes(), origin["rows"]
    digest = hashlib.sha256(data).hexdigest()[:8]
    name = _beside(_outside(landing.root, file.path), digest)
    shown = with_owner(name, owner) if (owner := owner_of(file.shown)) else name
    format = landing.format_of(file)
    result = format.read(data, Source(name, landing.root.absolute().name, raw_bytes=None, columns=landing.columns))
    if result.quarantine.num_rows:
        bad = result.quarantine.slice(0, 1).to_pylist()[0]
        raise LandingError(
            f"row {bad['row']} of {mended} is still bad: {bad['reason']}",
            expected="mended rows",
            fix="Mend it, or leave its line blank to give it up.",
        )
    good = result.plays["row"].to_pylist()
    if not good or _places(data, format, result) != len(rows):
        raise LandingError(
            f"{len(good)} rows in {mended}",
            expected=f"{len(rows)}, each in its place",
            fix="Leave a line blank to give its row up, or export again.",
        )
    with atomic_path(landing.root / name) as temporary:
        temporary.write_bytes(data)
    entry = {"kind": "replayed", "format": landing.format, "path": file.shown, "sha256": file.sha256, "as": shown}
    return shown, entry | {"rows": [rows[i] for i in good]}


def enter_replayed(where: Where, entry: Entry, *, root: str, by: str, reason: str) -> None:
    """Record that rows were replayed: they no longer count towards `ingest.max_quarantine_share`."""
    signed = {"root": root, "by": by, "reason": reason, "when": now()}
    append(where, TABLE, entry | signed)


def with_replayed(inventory: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """Return an inventory with the replayed rows of each file."""
    rows: dict[tuple[str, str], set[int]] = {}
    for entry in entries(where, TABLE):
        if entry["kind"] == "replayed" and entry["root"] == inventory["root"]:
            rows.setdefault((entry["path"], entry["sha256"]), set()).update(entry["rows"])
    files = [
        file | ({"replayed": sorted(found)} if (found := rows.get((shown_of(file), file["sha256"]))) else {})
        for file in inventory["files"]
    ]
    return {**inventory, "files": files}


def _file(landing: Landing, path: str) -> LandedFile:
    for file in landing.files:
        if path in (file.path, file.shown):
            return file
    raise LandingError(f"no landed file {path!r}", expected="a file of the night", fix="See `netgain landed --files`.")


def _places(data: bytes, format: Format, result: ReadResult) -> int:
    """Return the number of rows, counting blank lines of formats of lines."""
    return len(data.removesuffix(b"\n").split(b"\n")) if format.assemble is join_lines else result.n_read


def _beside(path: str, digest: str) -> str:
    """Return the path of a mended file, in the same folder: `plays.jsonl.gz` → `plays.mended-<digest>.jsonl`.

    The folder is kept because it may name the listener.
    """
    place = PurePosixPath(path.removesuffix(".gz").removesuffix(".zst"))
    return place.with_name(f"{place.stem}.mended-{digest}{place.suffix}").as_posix()


def _outside(root: Path, path: str) -> str:
    """Return a path for a file of an archive in the folder that the archive stands for; others keep theirs."""
    archive = file_of(root, path).relative_to(root).as_posix()
    return path if archive == path else f"{archive[: -len(ARCHIVE)]}/{PurePosixPath(path).name}"


def _origin(mended: Path) -> dict[str, Any]:
    try:
        origin = read_json(_rows_file(mended))
        return {key: origin[key] for key in ("format", "path", "sha256", "rows")}
    except (KeyError, TypeError) as err:
        raise ParamsError(
            f"{_rows_file(mended)} is not a list of exported rows", expected="a file of `export`", fix="Export again."
        ) from err


def _rows_file(out: Path) -> Path:
    return out.with_name(out.name + ROWS_FILE)


def export_of(rows_file: Path) -> Path:
    """Return the export that a file of rows belongs to."""
    return rows_file.with_name(rows_file.name.removesuffix(ROWS_FILE))
