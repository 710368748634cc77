"""How one log format is recognised, read and documented. Each file of `pipeline/logs/formats/` declares one."""

import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from pipeline.logs.columns import load_columns
from pipeline.logs.contents import as_utf8, bare_name, decompress
from pipeline.logs.head import Head
from pipeline.logs.reading import ReadResult, Source, UnreadableFileError, unreadable
from pipeline.logs.reasons import Reason


@dataclass(frozen=True, kw_only=True)
class Format:
    """Everything that Netgain knows about a log format.

    Attributes:
        name: what `--format` and datasets call it; the module's name with `-` for `_`.
        description: the shape of a file, in a line, for docs/reference/formats.md and `netgain formats`.
        patterns: shell patterns of the names of log files, compressed or not, in any case. Hidden files need a pattern
            that starts with a dot.
        exceptions: patterns of names that match `patterns` but are not logs.
        recognises: (beginning of a file) → whether it is a log of this format; None if that cannot be told from it.
        by_content: whether names say too little (`*.csv`): a file that is not recognised is then left out and named,
            while others are read whatever they hold, so that a faulty day is noticed.
        exceptions_are: what those files hold, for the documentation.
        reader: (content of a file without its byte order mark, the file) → what was read.
        reasons: why the reader puts a row in quarantine, beyond `JUDGED`.
        assemble: (rows as quarantine holds them) → a file that the reader can read again; None if a single row cannot
            be mended by hand.
        private: whether files hold more about people than plays, such as addresses. Then quarantine keeps no byte of
            a file that is unreadable as a whole.
        listener_folders: whether the first folder below the landing root is the listener; None if the column map says.
        needs_columns: whether a column map at the landing root is required.
        pseudonymised: whether its listeners are tokens already, so that no key is applied again.
        listener, played_at, ms_played: where each value comes from, for the documentation.
        cannot_know: what the files leave out, for the documentation.
    """

    name: str
    description: str
    patterns: tuple[str, ...]
    reader: Callable[[bytes, Source], ReadResult]
    recognises: Callable[[Head], bool | None]
    listener: str
    played_at: str
    ms_played: str = "none"
    cannot_know: tuple[str, ...] = ()
    reasons: frozenset[Reason] = frozenset()
    exceptions: tuple[str, ...] = ()
    exceptions_are: str = ""
    assemble: Callable[[Sequence[bytes]], bytes] | None = None
    by_content: bool = False
    private: bool = False
    listener_folders: bool | None = False
    needs_columns: bool = False
    pseudonymised: bool = False

    def takes(self, relative: str) -> bool:
        """Return whether a path, relative to the landing root, has the name of a log of this format."""
        hidden = any(folder.startswith(".") for folder in relative.split("/")[:-1])
        return not hidden and _matches(bare_name(relative), self.patterns) and not self.excepts(relative)

    def excepts(self, relative: str) -> bool:
        """Return whether a path has the name of a file of this service that is no log."""
        return _matches(bare_name(relative), self.exceptions)

    def by_folder(self, root: Path) -> bool:
        """Return whether each folder below a landing root belongs to one listener and has the listener's name.

        Raises:
            LandingError: the format needs a column map, which is missing or invalid.
        """
        return load_columns(root).listener is None if self.listener_folders is None else self.listener_folders

    def read(self, data: bytes, source: Source) -> ReadResult:
        """Return the plays and the quarantine of a file; each row of the file is in exactly one of the two.

        Args:
            data: the file's bytes, compressed or not.
            source: the file.
        """
        source = replace(source, format=self.name)
        try:
            content, repair = as_utf8(decompress(data, source.path))
            result = self.reader(content, source)
        # Polars panics on some damaged tables; its error is not an Exception.
        except (UnreadableFileError, pl.exceptions.PanicException):
            return unreadable(source.name, b"" if self.private else data)
        of_the_file = {repair: result.plays.num_rows} if repair and result.plays.num_rows else {}
        return replace(result, repairs={**result.repairs, **of_the_file})

    @property
    def files(self) -> str:
        """Return the names of its files in Markdown, compressed ones left out."""
        found = ", ".join(f"`{name}`" for name in self.patterns)
        return f"{found}, without {self.exceptions_are}" if self.exceptions_are else found

    def docs_row(self) -> str:
        """Return the format's row of the table in docs/reference/formats.md."""
        cells = (f"`{self.name}`", self.files, self.description, self.listener, self.played_at, self.ms_played)
        return f"| {' | '.join(cells)} |"


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    shown = [pattern for pattern in patterns if pattern.startswith(".") or not name.startswith(".")]
    return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in shown)
