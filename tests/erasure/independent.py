"""A search for listeners that shares no code with Netgain: every file of a folder, unpacked, in every encoding."""

import bz2
import gzip
import hmac
import io
import json
import lzma
import re
import sqlite3
import subprocess
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

_OPEN = {b"\x1f\x8b": gzip.decompress, b"BZ": bz2.decompress, b"\xfd7": lzma.decompress, b"x\x01": zlib.decompress}


def token(listener_id: str, key: str) -> str:
    """Compute a token as the documentation says."""
    return hmac.new(key.encode(), unicodedata.normalize("NFC", listener_id).encode(), "sha256").hexdigest()[:32]


def spellings(text: str) -> set[bytes]:
    """Return a text in the encodings of files: UTF-8 and 16, composed and not, and as JSON and CSV escape it."""
    found: set[bytes] = set()
    for form in ("NFC", "NFD"):
        each = unicodedata.normalize(form, text)
        escaped = (json.dumps(each)[1:-1], json.dumps(each, ensure_ascii=False)[1:-1], each.replace('"', '""'))
        for spelled in {each, *escaped}:
            found |= {spelled.encode(), spelled.encode("utf-16-le"), spelled.encode("utf-16-be")}
    return found


def places(root: Path, texts: Iterable[str]) -> set[str]:
    """Return the files below a folder, and objects of its Git, that contain one of the texts in any spelling."""
    wanted = re.compile(b"|".join(re.escape(form) for text in texts for form in spellings(text)))
    found, seen = set(), set()
    for path in root.rglob("*"):
        if ".git" in path.relative_to(root).parts or path.is_dir() or path.is_symlink():
            continue
        if (inode := path.stat().st_ino) in seen:  # Netgain's caches are made of hard links
            continue
        seen.add(inode)
        name = path.relative_to(root).as_posix()
        contents = [name.encode(), *_unpacked(path.read_bytes()), *_database(path)]
        if any(map(wanted.search, contents)):
            found.add(name)
    if wanted.search(_git(root, "cat-file", "--batch-all-objects", "--batch")):
        found.add("an object of Git")
    return found


def _unpacked(data: bytes, depth: int = 0) -> Iterator[bytes]:
    yield data
    if depth > 4:
        return
    inner: list[bytes] = []
    with suppress(Exception):
        if data[:4] == b"PK\x03\x04":
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                inner = [each for name in archive.namelist() for each in (name.encode(), archive.read(name))]
        elif data[257:262] == b"ustar":
            with tarfile.open(fileobj=io.BytesIO(data)) as tar:
                inner = [handle.read() for member in tar if (handle := tar.extractfile(member)) is not None]
        elif data[:4] == b"PAR1":
            inner = [_cells(pq.read_table(io.BytesIO(data)))]
        elif data[:4] == b"\x28\xb5\x2f\xfd":
            inner = [pa.CompressedInputStream(pa.BufferReader(data), "zstd").read()]
        elif data[:2] in _OPEN:
            inner = [_OPEN[data[:2]](data)]
    for each in inner:
        yield from _unpacked(each, depth + 1)


def _cells(table: pa.Table) -> bytes:
    metadata = repr(table.schema.metadata)
    return "\n".join([metadata, *(str(cell) for column in table.columns for cell in column.to_pylist())]).encode()


def _database(path: Path) -> Iterator[bytes]:
    if path.suffix != ".db":
        return
    with closing(sqlite3.connect(path)) as base:
        for (name,) in base.execute("select name from sqlite_master where type = 'table'").fetchall():
            yield "\n".join(str(row) for row in base.execute(f'select * from "{name}"')).encode()


def _git(root: Path, *arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout
