"""Segments: append-only files of events, moved whole into the landing folder.

A segment is written in `<landing>/.events`, which no format reads, under the lock of its process. It is synced, closed
and renamed into `<landing>/events`; one whose process was killed is cut back to its last whole line and renamed by
the next process that looks.
"""

import contextlib
import datetime as dt
import fcntl
import os
from pathlib import Path

from pipeline.storage.atomic import sync_folder

OPEN_FOLDER, FOLDER, SUFFIX = ".events", "events", ".events"


class Segment:
    """An open segment. Only one thread may use it.

    Attributes:
        size: durable and pending bytes.
    """

    def __init__(self, landing: Path) -> None:
        """Create a segment with the lock of this process.

        Raises:
            OSError: the landing folder cannot be written.
        """
        folder = landing / OPEN_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        (landing / FOLDER).mkdir(exist_ok=True)
        opened = dt.datetime.now(dt.UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        self._landing = landing
        self.path = folder / f"{opened}-{os.getpid()}{SUFFIX}"
        self._handle = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o640)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        sync_folder(folder)
        self.size = 0

    def append(self, data: bytes, *, durable: bool) -> None:
        """Write lines and, if asked, wait until they are on the disk.

        Raises:
            OSError: they could not be written; none of them is in the segment then.
        """
        try:
            written = 0
            while written < len(data):
                written += os.write(self._handle, data[written:])
            if durable:
                os.fsync(self._handle)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(self._handle, self.size)
            raise
        self.size += len(data)

    def close(self) -> Path | None:
        """Move the segment into the landing folder; an empty one is removed. Return where it is.

        Raises:
            OSError: it could not be synced or moved; the next process that looks moves it.
        """
        try:
            return settle(self._landing, self.path, self._handle, size=self.size)
        finally:
            os.close(self._handle)


def recover(landing: Path) -> list[Path]:
    """Move the segments of processes that were killed into the landing folder; return where they are."""
    found = []
    for path in sorted((landing / OPEN_FOLDER).glob(f"*{SUFFIX}")):
        try:
            handle = os.open(path, os.O_RDWR)
        except OSError:
            continue  # another process moved it
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and (settled := settle(landing, path, handle, size=_whole_lines(path))) is not None:
                found.append(settled)
        except OSError:  # its process is alive, or the disk is full: later
            continue
        finally:
            os.close(handle)
    return found


def settle(landing: Path, path: Path, handle: int, *, size: int) -> Path | None:
    """Cut a segment to its valid bytes, sync it, and move it into the landing folder; an empty one is removed.

    Raises:
        OSError: it could not be synced or moved.
    """
    if os.fstat(handle).st_size != size:
        os.ftruncate(handle, size)
    if not size:
        path.unlink(missing_ok=True)
        return None
    os.fsync(handle)
    target = landing / FOLDER / path.name
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    sync_folder(target.parent)
    sync_folder(path.parent)
    return target


def _whole_lines(path: Path) -> int:
    """Return the length up to the last end of a line [B]; a write that a kill interrupted was never acknowledged."""
    data = path.read_bytes()
    return data.rfind(b"\n") + 1
