"""The landed files of the open night, and reads that refuse files that changed since the inventory."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pipeline.errors import LandingError, SettingsError
from pipeline.identity.erased import Erased
from pipeline.identity.key import require_key
from pipeline.identity.tokens import TOKEN, token_of
from pipeline.logs.archives import exists, is_archive, read_landed
from pipeline.logs.columns import ColumnMap, parse_columns
from pipeline.logs.format import Format
from pipeline.logs.formats import format_of, formats_of
from pipeline.logs.reading import ARCHIVE, UnreadableFileError, listener_of
from pipeline.storage.json_files import read_json


@dataclass(frozen=True)
class LandedFile:
    """Attributes:
    path: relative to the landing root, POSIX.
    bytes: its size.
    sha256: of its bytes, in hexadecimal.
    written_at: when it was last written [s since 1970], by the clock of its file system.
    replayed: rows in quarantine that landed again, mended, in another file.
    format: its format, if the night has several.
    alias: its path in tables and reports, if its folder is a listener's name.
    """

    path: str
    bytes: int
    sha256: str
    written_at: int
    replayed: tuple[int, ...] = ()
    alias: str = ""
    format: str = ""

    @property
    def shown(self) -> str:
        """Return its path in tables and reports."""
        return self.alias or self.path

    @property
    def content(self) -> tuple[str, int, str]:
        """Return what results depend on: not where the landing root is, nor when the file was put there."""
        return self.path, self.bytes, self.sha256


@dataclass(frozen=True)
class Landing:
    """The inventory of a night; `id_key` is the fingerprint of the key of tokens."""

    format: str
    root: Path
    files: tuple[LandedFile, ...]
    columns: ColumnMap | None = None
    erased: Erased | None = None
    id_key: str | None = None

    def format_of(self, file: LandedFile) -> Format:
        """Return the format of a file."""
        return format_of(file.format or self.format)

    def is_own(self, file: LandedFile) -> bool:
        """Return whether a file belongs to one listener, whose name is that of its folder."""
        declared = self.format_of(file).listener_folders
        return (self.columns is None or self.columns.listener is None) if declared is None else declared


def read_landing(path: Path, *, workspace: Path) -> Landing:
    """Return the inventory of the open night.

    Raises:
        LandingError: a path leads out of the landing root, or landing.json is not an inventory.
        TableError: landing.json is missing or is not JSON.
        ParamsError: an unknown format.
    """
    return parse_landing(read_json(path), workspace=workspace, name=str(path))


def parse_landing(raw: Any, *, workspace: Path, name: str = "landing.json") -> Landing:
    """Return the inventory in the content of landing.json.

    Raises:
        LandingError, ParamsError: as `read_landing`.
    """
    try:
        files = tuple(_landed_file(f) for f in raw["files"])
        columns = parse_columns(raw["columns"]) if "columns" in raw else None
        gone = Erased.from_json(raw["erased"]) if "erased" in raw else None
        landing = Landing(str(raw["format"]), workspace / str(raw["root"]), files, columns, gone, raw.get("id_key"))
    except (KeyError, TypeError, ValueError) as err:
        raise LandingError(
            f"{name} is not an inventory ({err})", expected="format, root and files", fix="Open the night again."
        ) from err
    formats_of(landing.format)
    for file in files:
        landing.format_of(file)
        if PurePosixPath(file.path).is_absolute() or ".." in PurePosixPath(file.path).parts:
            raise LandingError(
                f"{file.path} leads out of the landing folder", expected="a path below it", fix="Open the night again."
            )
    return landing


def open_landed(root: Path, file: LandedFile) -> bytes:
    """Return the bytes of a landed file, checked against the inventory.

    Raises:
        LandingError: it is gone, cannot be read, or changed since the inventory.
    """
    try:
        data = read_landed(root, file.path)
    except (OSError, UnreadableFileError) as err:
        why = err.strerror if isinstance(err, OSError) else err
        raise LandingError(
            f"{file.shown} cannot be read: {why}", expected="the file that landed", fix="Restore it."
        ) from err
    if len(data) != file.bytes or hashlib.sha256(data).hexdigest() != file.sha256:
        raise LandingError(
            f"{file.shown} changed after it landed ({len(data)} bytes)",
            expected=f"{file.bytes} bytes with SHA-256 {file.sha256[:12]}…",
            fix="Restore it, or open the night again to take it as it is now.",
        )
    return data


def require_night_key(landing: Landing, key: bytes) -> None:
    """Check that a key is the one that the night was opened with.

    Raises:
        SettingsError: it is another one.
    """
    if landing.id_key is None:
        raise SettingsError(
            "the open night has no key of tokens", expected="an inventory with one", fix="Open the night again."
        )
    require_key(key, landing.id_key, of="the open night")


def shown_path(path: str, key: bytes) -> str:
    """Return the path of a file in a listener's folder with the token in place of the listener, in its name too.

    An archive that stands for a folder keeps its ending.
    """
    folder, slash, _ = path.partition("/")
    return with_owner(path, token_of(listener_of(path, folder), key)) if slash else path


def with_owner(path: str, token: str) -> str:
    """Return the path of a file in the folder of a listener with the listener's token, as `shown_path`."""
    folder, _, rest = path.partition("/")
    ending = folder[-len(ARCHIVE) :] if is_archive(folder) else ""
    own_name = re.compile(rf"(?<![^\W_]){re.escape(folder.removesuffix(ending))}(?![^\W_])")
    return f"{token}{ending}/{own_name.sub(token, rest)}"


def owner_of(shown: str) -> str:
    """Return the token that stands for a listener's folder, or archive, at the beginning of a path of tables and
    reports; empty if none does."""
    folder, slash, _ = shown.partition("/")
    token = folder[: -len(ARCHIVE)] if is_archive(folder) else folder
    return token if slash and TOKEN.fullmatch(token) else ""


def is_there(root: Path, shown: str, key: bytes) -> bool:
    """Return whether the file exists that a path of tables and reports stands for."""
    token = owner_of(shown)
    if not token or not root.is_dir():
        return exists(root, shown)
    ending = shown[len(token) : shown.index("/")]
    folders = [each.name.removesuffix(ending) for each in root.iterdir() if each.name.endswith(ending)]
    return exists(root, shown.replace(token, next((name for name in folders if token_of(name, key) == token), token)))


def _landed_file(entry: dict[str, Any]) -> LandedFile:
    replayed = tuple(int(row) for row in entry.get("replayed", ()))
    path = str(entry["path"])
    return LandedFile(
        path,
        int(entry["bytes"]),
        str(entry["sha256"]),
        int(entry["written_at"]),
        replayed,
        str(entry.get("shown", "")),
        str(entry.get("format", "")),
    )
