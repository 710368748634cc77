"""Files that appear whole: a reader sees the old file or the new one, never half of one."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IMODE

from pipeline.storage.orphans import temporary_beside
from pipeline.storage.permissions import granted


@contextmanager
def atomic_path(path: Path, *, mode: int = 0o644, like: os.stat_result | None = None) -> Iterator[Path]:
    """Yield a temporary path beside `path`, and rename it to `path`, after fsync, if the block ends without an error.

    No other process uses the temporary file. The final file has the permissions `mode`, as far as
    this process's mask grants them; or those of `like`, a file that is rewritten, whatever the mask.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{temporary_beside(path).name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(granted(mode) if like is None else S_IMODE(like.st_mode))
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
