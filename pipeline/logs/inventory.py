"""Take the inventory of the landing folder: which files are logs, with their checksums."""

import hashlib
import json
import math
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.errors import LandingError
from pipeline.identity.tokens import fingerprint
from pipeline.logs import columns
from pipeline.logs.archives import file_of, is_archive, open_start, read_landed
from pipeline.logs.choosing import Choice, choose
from pipeline.logs.format import Format
from pipeline.logs.formats import AUTO, all_formats, format_of, formats_of
from pipeline.logs.head import Head, read_head
from pipeline.logs.landing import LandedFile, shown_path
from pipeline.logs.pseudonyms import OPEN_RULES, PrivacyRules
from pipeline.logs.reading import UnreadableFileError
from pipeline.logs.walk import Walk, walk
from pipeline.storage.json_files import write_json

# A file younger than this [s] may change without a new time stamp, so its checksum is not cached.
_SETTLED_SECONDS = 2
_SHOWN = 5


@dataclass(frozen=True)
class Survey:
    """Attributes:
    inventory: the content of landing.json: which files a night ingests.
    notes: lines for the operator: formats that were guessed, and files that look like logs and are not taken.
    """

    inventory: dict[str, Any]
    notes: tuple[str, ...]


def take_inventory(
    root: Path,
    format: str,
    *,
    cache: Path | None = None,
    workspace: Path | None = None,
    privacy: PrivacyRules = OPEN_RULES,
) -> dict[str, Any]:
    """Return the inventory of `survey`."""
    return survey(root, format, cache=cache, workspace=workspace, privacy=privacy).inventory


def survey(
    root: Path,
    format: str,
    *,
    cache: Path | None = None,
    workspace: Path | None = None,
    privacy: PrivacyRules = OPEN_RULES,
) -> Survey:
    """Take the inventory of a landing folder.

    Args:
        root: the landing folder, or one landed file.
        format: the name of a format, several, separated by commas, or `auto`.
        cache: a JSON file of checksums by path, size and time of change, so that unchanged files are not read again.
        privacy: key of tokens, and erased listeners, of the night.
        workspace: if given, the root is written relative to it, so that clones side by side agree.

    Raises:
        ParamsError: an unknown format.
        LandingError: the folder is missing, holds no log of this format, cannot be read, or has no column map though
            the format needs one.
    """
    formats = formats_of(format)
    if format.strip() == AUTO and (root / columns.FILE).is_file():
        formats = (*formats, format_of("table"))
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
    below = walk(root, start=single)
    choices = _choices(below, root, formats, auto=format.strip() == AUTO)
    logs = {path: choice.format for path, choice in choices.items() if choice.format is not None}
    named = {each.name for each in logs.values() if each.by_folder(root)}
    hints = [(path, choice.hint) for path, choice in choices.items() if choice.hint]
    missed = [(_named(root, path, privacy) if named else path, why) for path, why in (*hints, *below.trouble)]
    left_out = [f"{path} ({why})" for path, why in missed]
    not_taken = f"not taken, but look like logs: {_few(left_out)}" if left_out else ""
    files = [_landed(root, relative, below.sizes.get(relative), known, seen) for relative in logs]
    if not files:
        raise LandingError(
            f"{single or root} holds no log of the format {format}{f'; {not_taken}' if not_taken else ''}",
            expected=f"logs of {_few([each.name for each in formats])}"
            if format.strip() == AUTO
            else f"files named {', '.join(dict.fromkeys(p for each in formats for p in each.patterns))}",
            fix="Check the folder and the format, or give --format auto.",
        )
    if cache is not None and any(known.get(path) != entry for path, entry in seen.items()):
        write_json(cache, {**known, **seen})
    several = len(formats) > 1
    inventory: dict[str, Any] = {
        "format": format,
        "root": _written_root(root, workspace),
        "files": [
            _entry(file)
            | ({"format": logs[file.path].name} if several else {})
            | ({"shown": shown_path(file.path, privacy.key)} if logs[file.path].name in named else {})
            for file in files
        ],
    }
    if any(each.needs_columns for each in logs.values()):
        inventory["columns"] = columns.load_columns(root).model_dump(mode="json")
    if privacy.erased is not None:
        inventory["erased"] = privacy.erased.as_json()
    inventory["id_key"] = fingerprint(privacy.key)
    guessed = Counter(each.name for each in logs.values())
    told = ", ".join(f"{n:,} {name}" for name, n in sorted(guessed.items()))
    notes = (f"formats by content: {told}" if format.strip() == AUTO else "", not_taken)
    return Survey(inventory, tuple(note for note in notes if note))


def _choices(below: Walk, root: Path, formats: Sequence[Format], *, auto: bool) -> dict[str, Choice]:
    """Return the choice of a format for each file that is a log or looks like one, by path."""
    every = formats if auto else tuple(all_formats().values())
    found: dict[str, Choice] = {}
    for path in below.files:
        if path.rsplit("/", maxsplit=1)[-1] == columns.FILE:
            continue
        try:
            choice = choose(path, formats, every, partial(_head, root, path))
        except (OSError, UnreadableFileError) as err:
            why = err.strerror if isinstance(err, OSError) else err
            choice = Choice(hint=str(why))
        if (choice.format or choice.hint) and not path.isprintable():
            raise LandingError(f"a file named {path!a}", expected="a name of printable UTF-8", fix="Rename it.")
        found[path] = choice
    return found


def _head(root: Path, path: str) -> Head | None:
    with open_start(root, path) as file:
        return read_head(file, path)


def _few(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if len(texts) > _SHOWN else ""
    return f"{', '.join(texts[:_SHOWN])}{more}"


def _entry(file: LandedFile) -> dict[str, Any]:
    return {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "written_at": file.written_at}


def _named(root: Path, path: str, privacy: PrivacyRules) -> str:
    """Return a path for messages, which logs may keep, where folders and archives are listeners'."""
    whole = "/" not in path and (is_archive(path) or (root / path).is_dir())
    return shown_path(f"{path}/", privacy.key).removesuffix("/") if whole else shown_path(path, privacy.key)


def _landed(
    root: Path, relative: str, size: int | None, known: dict[str, list[Any]], seen: dict[str, list[Any]]
) -> LandedFile:
    """Return a file with its checksum; `size` is that of a file within an archive."""
    key = os.path.abspath(root / relative)  # noqa: PTH100 (Path.absolute keeps "..": one file would have several names)
    try:
        stat = file_of(root, relative).stat()
        expected = stat.st_size if size is None else size
        found = known.get(key)
        if found and found[:2] == [expected, stat.st_mtime_ns]:
            seen[key] = found
            return LandedFile(relative, expected, str(found[2]), _written_at(stat))
        if size is None:
            with (root / relative).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
                n_bytes = file.tell()
        else:
            data = read_landed(root, relative)
            digest, n_bytes = hashlib.sha256(data).hexdigest(), len(data)
    except (OSError, UnreadableFileError) as err:
        why = err.strerror if isinstance(err, OSError) else err
        raise LandingError(
            f"{relative} cannot be read: {why}", expected="a readable file", fix="Check its rights, or remove it."
        ) from err
    if n_bytes == expected and stat.st_mtime < time.time() - _SETTLED_SECONDS:
        seen[key] = [n_bytes, stat.st_mtime_ns, digest]
    return LandedFile(relative, n_bytes, digest, _written_at(stat))


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
