"""A cache of results on disk, keyed by a digest of their inputs, so that a night computes only what is new.

Only run time depends on it: with an empty cache, a stage gives the same result. Damaged entries are made again.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa

from pipeline.storage.orphans import PREFIX

Result = dict[str, Any]
_MADE = "made.json"
_LIBRARIES = {"polars": pl.__version__, "pyarrow": pa.__version__}


@dataclass(frozen=True)
class Cache:
    """A folder with a folder of files for each key."""

    folder: Path

    def at(self, key: str) -> Path:
        """Return the folder of a key's files."""
        return self.folder / key

    def find(self, key: str) -> Result | None:
        """Return the result that `make` stored for a key; None without one, or if a file's size has changed."""
        try:
            made = json.loads((self.at(key) / _MADE).read_text(encoding="utf-8"))
            sizes = {name: (self.at(key) / name).stat().st_size for name in made["files"]}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        result: Result = made["result"]
        return result if sizes == made["files"] else None

    def make(self, key: str, build: Callable[[Path], Result]) -> Result:
        """Return the result of `build` on a temporary folder; its files and result appear under the key all at once."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=PREFIX, dir=self.folder) as name:
            fresh = Path(name) / key
            fresh.mkdir()
            result = build(fresh)
            files = {path.name: path.stat().st_size for path in sorted(fresh.iterdir())}
            (fresh / _MADE).write_text(json.dumps({"files": files, "result": result}), encoding="utf-8")
            shutil.rmtree(self.at(key), ignore_errors=True)
            try:
                fresh.rename(self.at(key))
            except OSError:
                if self.find(key) is None:  # else another worker has made the same entry meanwhile
                    raise
        return result

    def forget_others(self, keys: Collection[str]) -> None:
        """Remove what has none of these keys."""
        if self.folder.is_dir():
            for path in self.folder.iterdir():
                if path.name not in keys:
                    shutil.rmtree(path, ignore_errors=True)


def key_of(*parts: Any) -> str:
    """Return a digest of JSON values and of the versions of libraries that determine the bytes of files."""
    text = json.dumps([_LIBRARIES, *parts], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:40]


def link(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy if the file system has no hard links.

    An existing target is unlinked first. Neither file may be modified in place, because other links may share it.
    """
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
