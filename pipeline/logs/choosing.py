"""Which format reads which file: by name, and by content where a name says too little or nothing was named."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pipeline.logs.contents import bare_name
from pipeline.logs.format import Format
from pipeline.logs.head import Head
from pipeline.logs.scrobbles import header_text

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".log", ".listens", ".parquet", ".txt")
_WORDS = (("artist",), ("track", "song", "title"), ("timems", "timestamp", "played", "listened", "scrobbled", "uts"))
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Choice:
    """Attributes:
    format: the format that reads the file; None if none does.
    hint: why a file that is not read looks like a log; empty if it does not.
    """

    format: Format | None = None
    hint: str = ""


def choose(path: str, formats: Sequence[Format], every: Sequence[Format], read: Callable[[], Head | None]) -> Choice:
    """Return the format of a file.

    Args:
        path: of the file.
        formats: the formats that were named, or every one for `auto`.
        every: every format.
        read: returns the file's beginning.
    """
    named = [each for each in formats if each.takes(path)]
    if len(named) == 1 and formats != every and not named[0].by_content:
        return Choice(named[0])
    if not named and not _could_be_a_log(path, every):
        return Choice()
    head = read()
    told = {each.name: None if head is None or head.is_cut else each.recognises(head) for each in every}
    candidates = [*named, *(formats if formats == every else ())]
    own = next((each for each in candidates if told[each.name]), None)
    if own is None:  # where content says nothing, the name may
        open_ones = [each for each in named if not each.by_content or told[each.name] is None]
        own = _of_the_name(open_ones, alone=formats == every)
    if own is not None:
        return Choice(own)
    if any(each.excepts(path) for each in every):
        return Choice()
    others = [each.name for each in every if told[each.name]]
    if others:
        return Choice(hint=others[0])
    if head is not None and _names_plays(head):
        return Choice(hint="plays of no known format; `table` reads them by a column map")
    if head is None:
        return Choice(hint="empty or damaged" if named else "")
    return Choice(hint=f"a header of no known log: {header_text(head)}" if named and _is_table(path) else "")


def _of_the_name(named: Sequence[Format], *, alone: bool) -> Format | None:
    if alone:
        return named[0] if len(named) == 1 and not named[0].by_content else None
    return named[0] if named else None


def _could_be_a_log(path: str, every: Sequence[Format]) -> bool:
    name = bare_name(path)
    if name.startswith("."):
        return any(each.takes(path) for each in every)
    return name.endswith(_ENDINGS) and not any(each.excepts(path) for each in every)


def _names_plays(head: Head) -> bool:
    """Return whether the keys of a JSON file name an artist, a track and a time."""
    keys = " ".join(head.keys).casefold()
    return all(any(word in keys for word in words) for words in _WORDS)


def _is_table(path: str) -> bool:
    return bare_name(path).endswith(_TABLES)
