"""The registry of formats."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from types import ModuleType

from pipeline.errors import ParamsError
from pipeline.logs import (
    lastfm_1k,
    lastfm_csv,
    librefm,
    listenbrainz,
    listenbrainz_export,
    listenbrainz_spark,
    netgain,
    spotify,
    spotify_extended,
    table,
)
from pipeline.logs.columns import load_columns
from pipeline.logs.contents import as_utf8, decompress
from pipeline.logs.reading import ReadResult, Source, UnreadableFileError, unreadable


@dataclass(frozen=True)
class Reader:
    """How one format is recognised and read.

    Attributes:
        patterns: shell patterns of the file names that are logs; others in the folder (COPYING, START_TIMESTAMP,
            userid-profile.tsv) are not taken, nor is anything hidden.
        exceptions: patterns of names that look like logs and are none.
        private: whether its files hold more about people than plays (addresses, names): then none of the bytes of a
            file that cannot be taken apart are kept.
        own_folders: whether a folder is one listener's; None where the column map says.
        needs_columns: whether it reads by a column map at the landing root.
        assemble: rows as they lie in quarantine → a file of them; None where a row alone cannot be mended by hand.
        parse: content, without a byte order mark, and the file it is of → what was read.
    """

    name: str
    patterns: tuple[str, ...]
    exceptions: tuple[str, ...]
    private: bool
    own_folders: bool | None
    needs_columns: bool
    assemble: Callable[[Sequence[bytes]], bytes] | None
    parse: Callable[[bytes, Source], ReadResult]

    def takes(self, relative: str) -> bool:
        """Whether a path relative to the landing root is a log of this format."""
        path = PurePosixPath(relative)
        if any(part.startswith(".") for part in path.parts):
            return False
        return _matches(path.name, self.patterns) and not _matches(path.name, self.exceptions)

    def by_folder(self, root: Path) -> bool:
        """Whether the folders of a landing root are the listeners.

        Raises:
            LandingError: its column map is needed and faulty.
        """
        return load_columns(root).listener is None if self.own_folders is None else self.own_folders

    def read(self, data: bytes, source: Source) -> ReadResult:
        """Plays and quarantine of a file as it landed, compressed or not; every row is in exactly one of the two."""
        try:
            content, repair = as_utf8(decompress(data, source.path))
            result = self.parse(content, source)
        except UnreadableFileError:
            return unreadable(source.name, b"" if self.private else data)
        whole = {repair: result.plays.num_rows} if repair and result.plays.num_rows else {}
        return replace(result, repairs={**result.repairs, **whole})


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _reader(module: ModuleType) -> Reader:
    return Reader(
        module.NAME,
        module.PATTERNS,
        getattr(module, "EXCEPT", ()),
        getattr(module, "PRIVATE", False),
        getattr(module, "OWN_FOLDERS", False),
        getattr(module, "NEEDS_COLUMNS", False),
        getattr(module, "ASSEMBLE", None),
        module.parse,
    )


FORMATS = {
    m.NAME: _reader(m)
    for m in (
        netgain,
        spotify,
        spotify_extended,
        listenbrainz,
        listenbrainz_export,
        listenbrainz_spark,
        lastfm_1k,
        lastfm_csv,
        librefm,
        table,
    )
}


def readers_of(names: str) -> tuple[Reader, ...]:
    """The readers of one format or of several, divided by commas; of a file that two of them take, the first one's.

    Raises:
        ParamsError: there is none of a name.
    """
    return tuple(reader_of(name.strip()) for name in names.split(","))


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
