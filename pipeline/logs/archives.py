"""ZIP archives as they were downloaded: a landed `ann/my_data.zip` is read like the folder that it unpacks to.

A member's path is that of the archive, followed by its own: `ann/my_data.zip/MyData/StreamingHistory0.json`.
"""

import io
import lzma
import os
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from pipeline.logs.contents import most_bytes, read_bounded
from pipeline.logs.reading import ARCHIVE, UnreadableFileError

MOST_MEMBERS = 100_000
"""Files that are looked at in an archive."""
DEEPEST = 2
"""Archives within archives: some services pack the parts of an export before they pack the whole."""

# zipfile lets through what its decompressors raise.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Attributes:
        path: within the archive; of a nested one, with the path of that one first.
        bytes: its size.
    """

    path: str
    bytes: int


def is_archive(path: str) -> bool:
    """Return whether a path names an archive, by its ending."""
    return path.lower().endswith(ARCHIVE)


def list_members(archive: Path) -> list[Member]:
    """Return the files in an archive, those of archives in it included.

    Raises:
        UnreadableFileError: it is damaged, encrypted, or holds more than MOST_MEMBERS files.
        OSError: it cannot be read.
    """
    with _opened(archive) as opened:
        found = _members(opened, depth=1)
    if len(found) > MOST_MEMBERS:
        raise UnreadableFileError(f"more than {MOST_MEMBERS:,} files")
    return sorted(found, key=lambda member: member.path)


def read_landed(root: Path, relative: str) -> bytes:
    """Return the bytes of a landed file, which may lie in an archive.

    Raises:
        UnreadableFileError: its archive is damaged, or it unpacks beyond `most_bytes`.
        OSError: it cannot be read.
    """
    archive, inner = _split(root, relative)
    if not inner:
        return (root / relative).read_bytes()
    with _opened(root / archive) as opened:
        return _read(opened, inner)


@contextmanager
def open_start(root: Path, relative: str) -> Iterator[IO[bytes]]:
    """Open a landed file, which may lie in an archive, to read its beginning; it can seek.

    Raises:
        UnreadableFileError: its archive is damaged.
        OSError: it cannot be read.
    """
    _, inner = _split(root, relative)
    if not inner:
        with (root / relative).open("rb") as file:
            yield file
        return
    yield io.BytesIO(read_landed(root, relative))


def file_of(root: Path, relative: str) -> Path:
    """Return the file that holds a landed file: itself, or its archive."""
    return root / _split(root, relative)[0]


def exists(root: Path, relative: str) -> bool:
    """Return whether a landed file is there, which may lie in an archive."""
    archive, inner = _split(root, relative)
    if not inner:
        return (root / relative).exists()
    try:
        return any(member.path == inner for member in list_members(root / archive))
    except (OSError, UnreadableFileError):
        return False


def unpack_in_place(archive: Path) -> None:
    """Replace an archive by a folder of the same name with its files, so that single ones can be changed or removed.

    Paths of landed files stay as they are. Files keep the archive's time and rights.

    Raises:
        UnreadableFileError: it is damaged.
        OSError: it cannot be read or written.
    """
    stat = archive.stat()
    fresh = Path(tempfile.mkdtemp(prefix=f".{archive.name}.", dir=archive.parent))
    try:
        for member in list_members(archive):
            path = fresh / member.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(read_landed(archive.parent, f"{archive.name}/{member.path}"))
            path.chmod(stat.st_mode & 0o777)
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
        archive.unlink()
        fresh.rename(archive)
        archive.chmod(0o700 | (stat.st_mode & 0o777))
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _split(root: Path, relative: str) -> tuple[str, str]:
    """Return the path of the file on disk and the path within it; the latter is empty if that is no archive."""
    parts = relative.split("/")
    for n, part in enumerate(parts[:-1], start=1):
        here = "/".join(parts[:n])
        if is_archive(part) and (root / here).is_file():
            return here, "/".join(parts[n:])
    return relative, ""


@contextmanager
def _opened(file: Path | IO[bytes]) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as opened:
            yield opened
    except _DAMAGED as err:
        raise UnreadableFileError(f"a damaged or encrypted archive: {err}") from err


def _members(opened: zipfile.ZipFile, *, depth: int) -> list[Member]:
    if len(opened.infolist()) > MOST_MEMBERS:
        raise UnreadableFileError(f"more than {MOST_MEMBERS:,} files")
    found = []
    for info in opened.infolist():
        path = PurePosixPath(info.filename)
        if info.is_dir() or path.is_absolute() or ".." in path.parts or "\\" in info.filename:
            continue  # nothing that a folder would hold once it is unpacked
        if is_archive(info.filename) and depth < DEEPEST:
            with _opened(io.BytesIO(_content(opened, info))) as inner:
                found += [Member(f"{path}/{each.path}", each.bytes) for each in _members(inner, depth=depth + 1)]
        else:
            found.append(Member(path.as_posix(), info.file_size))
    return found


def _read(opened: zipfile.ZipFile, path: str) -> bytes:
    by_path = {PurePosixPath(info.filename).as_posix(): info for info in opened.infolist() if not info.is_dir()}
    if path in by_path:
        return _content(opened, by_path[path])
    outer = next((name for name in by_path if is_archive(name) and path.startswith(f"{name}/")), None)
    if outer is None:
        raise FileNotFoundError(2, "not in the archive", path)
    with _opened(io.BytesIO(_content(opened, by_path[outer]))) as inner:
        return _read(inner, path.removeprefix(f"{outer}/"))


def _content(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with opened.open(info) as stream:
        return read_bounded(stream, most=most_bytes(info.compress_size))
