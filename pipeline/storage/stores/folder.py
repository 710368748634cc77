"""A store that is a folder of this machine."""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pipeline.storage.atomic import atomic_path, sync_folder
from pipeline.storage.orphans import PREFIX
from pipeline.storage.permissions import granted
from pipeline.storage.stores.store import Stored

_LOCK = ".lock"


class FolderStore:
    """Objects are files; an object's version is the SHA-256 of its bytes."""

    def __init__(self, root: Path) -> None:
        self.root, self.uri = root, root.as_uri()

    def read(self, key: str) -> Stored | None:
        try:
            data = (self.root / key).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(data, hashlib.sha256(data).hexdigest())

    def write(self, key: str, source: bytes | Path) -> None:
        with atomic_path(self.root / key) as temporary:
            _fill(temporary, source)

    def create(self, key: str, source: bytes | Path) -> bool:
        target, made = self.root / key, False
        # A link fails where a rename would replace. Leaving the block by an error removes the temporary name.
        with suppress(_Linked), atomic_path(target) as temporary:
            _fill(temporary, source)
            temporary.chmod(granted(0o644))
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(temporary, target)
                made = True
            raise _Linked
        sync_folder(target.parent)
        return made

    def swap(self, key: str, data: bytes, *, expected: str | None) -> bool:
        with self._locked():
            found = self.read(key)
            if (found and found.version) != expected:
                return False
            self.write(key, data)
        return True

    def fetch(self, key: str, into: Path) -> str | None:
        source = self.root / key
        if not source.is_file():
            return None
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, into)
        with into.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    def names(self, prefix: str = "") -> Iterator[str]:
        found = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        names = (path.as_posix() for path in found if not any(part.startswith(PREFIX) for part in path.parts))
        yield from sorted(name for name in names if name.startswith(prefix) and name != _LOCK)

    def delete(self, key: str) -> None:
        path = self.root / key
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                break
            folder.rmdir()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / _LOCK).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


class _Linked(Exception):
    """The temporary is not to be renamed."""


def _fill(path: Path, source: bytes | Path) -> None:
    if isinstance(source, bytes):
        path.write_bytes(source)
    else:
        shutil.copyfile(source, path)
