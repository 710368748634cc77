"""Rows in quarantine, taken out whole to be mended, and landed again."""

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import LandingError, ParamsError
from pipeline.logs.contents import join_lines
from pipeline.logs.formats import Reader
from pipeline.logs.kernels import clock_of
from pipeline.logs.landing import LandedFile, Landing, open_landed
from pipeline.logs.manifest import TABLE, Entry
from pipeline.logs.reading import ReadResult, Source
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import append, entries
from pipeline.storage.tables import atomic_path, read_json, write_json


def read_again(landing: Landing, file: LandedFile) -> ReadResult:
    """A landed file by the readers of today, its bad rows whole.

    Raises:
        LandingError: it is not what landed.
    """
    source = Source(
        file.path,
        landing.root.absolute().name,
        clock_of(file),
        raw_bytes=None,
        columns=landing.columns,
        shown=file.shown,
    )
    return landing.reader(file).read(open_landed(landing.root, file), source)


def export(landing: Landing, path: str, out: Path, *, reasons: Collection[str] = ()) -> int:
    """Write the bad rows of a landed file, whole, to a file of the same format; beside it, which rows they are.

    Args:
        landing: what landed.
        path: of the file, relative to the landing root.
        out: the file to write; `out` + ".rows.json" says where its rows come from.
        reasons: only rows put aside for these; none for all.

    Returns:
        The number of rows.

    Raises:
        LandingError: there is no such file, no such row, or rows of this format cannot be mended one by one.
    """
    file = _file(landing, path)
    assemble = landing.reader(file).assemble
    rows = [row for row in read_again(landing, file).quarantine.to_pylist() if not reasons or row["reason"] in reasons]
    if assemble is None or any(row["row"] < 0 for row in rows):
        what = "a file that cannot be taken apart" if assemble else f"rows of the format {landing.reader(file).name}"
        raise LandingError(what, expected="rows that can be mended by hand", fix="Mend it at its source.")
    if not rows:
        raise LandingError(f"no such row of {path} in quarantine", expected="one", fix="See `netgain quarantine`.")
    with atomic_path(out) as temporary:
        temporary.write_bytes(assemble([row["raw"] for row in rows]))
    origin = {"format": landing.format, "path": file.path, "sha256": file.sha256}
    write_json(_rows_file(out), origin | {"rows": [row["row"] for row in rows]})
    return len(rows)


def land_mended(landing: Landing, mended: Path) -> tuple[str, Entry]:
    """Land the rows of a mended file beside the file that they came from.

    Returns:
        The new file's path below the landing root, and the ledger's entry of it but for who and why.

    Raises:
        LandingError: a row is still bad, one is there that was not taken out, or the file that they came from is not
            what it was.
    """
    origin = _origin(mended)
    file = _file(landing, origin["path"])
    if (landing.format, file.sha256) != (origin["format"], origin["sha256"]):
        raise LandingError(
            f"{file.path} is not what {mended} was taken from", expected="the same file", fix="Export its rows again."
        )
    data, rows = mended.read_bytes(), origin["rows"]
    name = _beside(file.path, hashlib.sha256(data).hexdigest()[:8])
    reader = landing.reader(file)
    result = reader.read(data, Source(name, landing.root.absolute().name, raw_bytes=None, columns=landing.columns))
    if result.quarantine.num_rows:
        bad = result.quarantine.slice(0, 1).to_pylist()[0]
        raise LandingError(
            f"row {bad['row']} of {mended} is still bad: {bad['reason']}",
            expected="mended rows",
            fix="Mend it, or leave its line blank to give it up.",
        )
    good = result.plays["row"].to_pylist()
    if not good or _places(data, reader, result) != len(rows):
        raise LandingError(
            f"{len(good)} rows in {mended}",
            expected=f"{len(rows)}, each in its place",
            fix="Leave a line blank to give its row up, or export again.",
        )
    with atomic_path(landing.root / name) as temporary:
        temporary.write_bytes(data)
    entry = {"kind": "replayed", "format": landing.format, "path": file.path, "sha256": file.sha256, "as": name}
    return name, entry | {"rows": [rows[i] for i in good]}


def enter_replayed(where: Where, entry: Entry, *, root: str, by: str, reason: str) -> None:
    """Record that rows were replayed: they no longer count towards `ingest.max_quarantine_share`."""
    signed = {"root": root, "by": by, "reason": reason, "when": now()}
    append(where, TABLE, entry | signed)


def with_replayed(inventory: Mapping[str, Any], where: Where) -> dict[str, Any]:
    """landing.json with the rows of each file that were replayed."""
    rows: dict[tuple[str, str], set[int]] = {}
    for entry in entries(where, TABLE):
        if entry["kind"] == "replayed" and entry["root"] == inventory["root"]:
            rows.setdefault((entry["path"], entry["sha256"]), set()).update(entry["rows"])
    files = [
        file | ({"replayed": sorted(found)} if (found := rows.get((file["path"], file["sha256"]))) else {})
        for file in inventory["files"]
    ]
    return {**inventory, "files": files}


def _file(landing: Landing, path: str) -> LandedFile:
    for file in landing.files:
        if path in (file.path, file.shown):
            return file
    raise LandingError(f"no landed file {path!r}", expected="a file of the night", fix="See `netgain landed --files`.")


def _places(data: bytes, reader: Reader, result: ReadResult) -> int:
    """Rows, and blank lines where there were some."""
    return len(data.removesuffix(b"\n").split(b"\n")) if reader.assemble is join_lines else result.n_read


def _beside(path: str, digest: str) -> str:
    """`plays.jsonl.gz` → `plays.mended-<digest>.jsonl`: beside it, for the folder may say whose it is."""
    place = PurePosixPath(path.removesuffix(".gz").removesuffix(".zst"))
    return place.with_name(f"{place.stem}.mended-{digest}{place.suffix}").as_posix()


def _origin(mended: Path) -> dict[str, Any]:
    try:
        origin = read_json(_rows_file(mended))
        return {key: origin[key] for key in ("format", "path", "sha256", "rows")}
    except (KeyError, TypeError) as err:
        raise ParamsError(
            f"{_rows_file(mended)} has another shape", expected="what `export` wrote", fix="Export again."
        ) from err


def _rows_file(out: Path) -> Path:
    return out.with_name(out.name + ".rows.json")
