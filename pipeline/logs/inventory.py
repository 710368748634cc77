"""Take the inventory of the landing folder: which files are logs, with their checksums."""

import hashlib
import json
import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError
from pipeline.identity.tokens import fingerprint
from pipeline.logs.columns import load_columns
from pipeline.logs.format import Format
from pipeline.logs.formats import formats_of
from pipeline.logs.landing import LandedFile, shown_path
from pipeline.logs.pseudonyms import OPEN_RULES, PrivacyRules
from pipeline.storage.tables import write_json

# A file younger than this [s] may change without a new time stamp, so its checksum is not cached.
_SETTLED_SECONDS = 2


def take_inventory(
    root: Path,
    format: str,
    *,
    cache: Path | None = None,
    workspace: Path | None = None,
    privacy: PrivacyRules = OPEN_RULES,
) -> dict[str, Any]:
    """Return the content of landing.json: which files a night ingests.

    Files that the format does not take (`Format.takes`) are left out.

    Args:
        root: the landing folder, or one landed file.
        format: the name of a format, or several, separated by commas.
        cache: a JSON file of checksums by path, size and time of change, so that unchanged files are not read again.
        privacy: key of tokens, and erased listeners, of the night.
        workspace: if given, the root is written relative to it, so that clones side by side agree.

    Raises:
        ParamsError: an unknown format.
        LandingError: the folder is missing, holds no log of this format, cannot be read, or has no column map though
            the format needs one.
    """
    formats = formats_of(format)
    single = root if root.is_file() else None
    root = root.parent if single else root
    if not root.is_dir():
        raise LandingError(
            f"the landing folder {root} does not exist",
            expected="a folder of logs",
            fix="Set NETGAIN_LANDING or give LOGS.",
        )
    known = _read_cache(cache)
    seen: dict[str, list[Any]] = {}
    logs = _logs_below(single or root, root, formats)
    files = [_landed(root, relative, known, seen) for relative in logs]
    if not files:
        raise LandingError(
            f"{single or root} holds no log of the format {format}",
            expected=f"files named {', '.join(pattern for each in formats for pattern in each.patterns)}",
            fix="Check the folder and the format.",
        )
    if cache is not None and any(known.get(path) != entry for path, entry in seen.items()):
        write_json(cache, {**known, **seen})
    named = {each.name for each in formats if each.by_folder(root)}
    inventory: dict[str, Any] = {
        "format": format,
        "root": _written_root(root, workspace),
        "files": [
            _entry(file)
            | ({"format": logs[file.path].name} if len(formats) > 1 else {})
            | ({"shown": shown_path(file.path, privacy.key)} if logs[file.path].name in named else {})
            for file in files
        ],
    }
    if any(each.needs_columns for each in formats):
        inventory["columns"] = load_columns(root).model_dump(mode="json")
    if privacy.erased is not None:
        inventory["erased"] = privacy.erased.as_json()
    inventory["id_key"] = fingerprint(privacy.key)
    return inventory


def _entry(file: LandedFile) -> dict[str, Any]:
    return {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "written_at": file.written_at}


def _logs_below(start: Path, root: Path, formats: Sequence[Format]) -> dict[str, Format]:
    """Return the format of each log below a folder, by path relative to the root."""
    found = [start] if start.is_file() else start.rglob("*")
    paths = (path.relative_to(root).as_posix() for path in found if path.is_file())
    takers = {path: next((each for each in formats if each.takes(path)), None) for path in sorted(paths)}
    logs = {path: taker for path, taker in takers.items() if taker is not None}
    for path in logs:
        if not path.isprintable():
            raise LandingError(f"a file named {path!a}", expected="a name of printable UTF-8", fix="Rename it.")
    return logs


def _landed(root: Path, relative: str, known: dict[str, list[Any]], seen: dict[str, list[Any]]) -> LandedFile:
    path = root / relative
    key = os.path.abspath(path)  # noqa: PTH100 (Path.absolute keeps "..": one file would have several names)
    try:
        stat = path.stat()
        found = known.get(key)
        if found and found[:2] == [stat.st_size, stat.st_mtime_ns]:
            seen[key] = found
            return LandedFile(relative, stat.st_size, str(found[2]), _written_at(stat))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as err:
        raise LandingError(
            f"{relative} cannot be read: {err.strerror}", expected="a readable file", fix="Check its rights."
        ) from err
    if size == stat.st_size and stat.st_mtime < time.time() - _SETTLED_SECONDS:
        seen[key] = [size, stat.st_mtime_ns, digest]
    return LandedFile(relative, size, digest, _written_at(stat))


def _written_at(stat: os.stat_result) -> int:
    return math.ceil(stat.st_mtime)


def _read_cache(cache: Path | None) -> dict[str, list[Any]]:
    """Return the cached checksums; a cache that cannot be read counts as empty."""
    try:
        raw = json.loads(cache.read_text(encoding="utf-8")) if cache else {}
    except (OSError, ValueError):
        return {}
    entries = raw.items() if isinstance(raw, dict) else []
    return {path: entry for path, entry in entries if isinstance(entry, list) and len(entry) == 3}


def _written_root(root: Path, workspace: Path | None) -> str:
    absolute = Path(os.path.abspath(root))  # noqa: PTH100 (as above)
    return (absolute if workspace is None else Path(os.path.relpath(absolute, workspace))).as_posix()
