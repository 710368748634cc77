"""The registry of formats."""

import fnmatch
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import ModuleType

from pipeline.errors import ParamsError
from pipeline.logs import lastfm_1k, listenbrainz, listenbrainz_spark, netgain, spotify, spotify_extended
from pipeline.logs.contents import decompress
from pipeline.logs.reading import ReadResult, UnreadableFileError, unreadable


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read.

    Attributes:
        patterns: shell patterns of the file names that are logs; others in the folder (COPYING, START_TIMESTAMP,
            userid-profile.tsv) are not taken, nor is anything hidden.
        exceptions: patterns of names that look like logs and are none.
        private: whether its files hold more about people than plays (addresses, names): then none of the bytes of a
            file that cannot be taken apart are kept.
        parse: content, path relative to the landing root, the root's name → what was read.
    """

    name: str
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]
    private: bool
    parse: Callable[[bytes, str, str], ReadResult]

    def takes(self, relative: str) -> bool:
        """Whether a path relative to the landing root is a log of this format."""
        path = PurePosixPath(relative)
        if any(part.startswith(".") for part in path.parts):
            return False
        return _matches(path.name, self.patterns) and not _matches(path.name, self.exceptions)

    def read(self, path: Path, relative: str) -> ReadResult:
        """Plays and quarantine of one file; every row of it is in exactly one of the two.

        Raises:
            OSError: the file cannot be opened.
        """
        depth = len(PurePosixPath(relative).parts)
        return self.read_bytes(path.read_bytes(), relative, path.absolute().parents[depth - 1].name)

    def read_bytes(self, data: bytes, relative: str, root_name: str) -> ReadResult:
        """The same for the content of a file as it landed, compressed or not."""
        try:
            return self.parse(decompress(data, relative), relative, root_name)
        except UnreadableFileError:
            return unreadable(relative, b"" if self.private else data)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _reader(module: ModuleType) -> Reader:
    return Reader(
        module.NAME, module.PATTERNS, getattr(module, "EXCEPT", ()), getattr(module, "PRIVATE", False), module.parse
    )


FORMATS = {
    m.NAME: _reader(m) for m in (netgain, spotify, spotify_extended, listenbrainz, listenbrainz_spark, lastfm_1k)
}


def reader_of(name: str) -> Reader:
    """The reader of a format.

    Raises:
        ParamsError: there is none of that name.
    """
    if name not in FORMATS:
        raise ParamsError(
            f"format = {name[:40]!r}", expected=f"one of {', '.join(sorted(FORMATS))}", fix="Name the logs' format."
        )
    return FORMATS[name]
