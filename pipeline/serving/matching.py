"""Find the item that a person means by a name, however it is written."""

import re
import unicodedata
from collections.abc import Sequence

from rapidfuzz import fuzz, process

_ALIKE = 84.0
"""The least likeness of two names [0–100, `fuzz.ratio`]: one letter in five or six may differ."""
_SHORT = 4
"""Shorter names must be exact: one letter makes another artist of them."""
_APART = re.compile(r"[^\w]+")


def plain(name: str) -> str:
    """Return a name without case, accents, punctuation and a leading article.

    Examples:
        >>> plain("The  Sigur Rós!"), plain("AC/DC"), plain("Simon & Garfunkel")
        ('sigur ros', 'ac dc', 'simon and garfunkel')
    """
    folded = unicodedata.normalize("NFKD", name).casefold().replace("&", " and ")
    letters = "".join(letter for letter in folded if not unicodedata.combining(letter))
    words = _APART.sub(" ", letters.translate(_LETTERS)).split()
    return " ".join(words[1:] if len(words) > 1 and words[0] == "the" else words)


_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th", "_": " "})
"""Letters that Unicode does not take apart."""


class Names:
    """The names of a catalogue."""

    def __init__(self, ids: Sequence[str], names: Sequence[str], n_listeners: Sequence[int]) -> None:
        """Prepare the search; of items with one name, the one with the most listeners is meant."""
        self._rows = {item: row for row, item in enumerate(ids)}
        self._names: dict[str, int] = {}
        for row in sorted(range(len(names)), key=lambda row: (-n_listeners[row], row)):
            if text := plain(names[row]):
                self._names.setdefault(text, row)
        self._all = list(self._names)

    def find(self, name: str) -> int | None:
        """Return the row of the item of that id or, else, of that name or the most similar one; None if none is."""
        row = self._rows.get(name)
        if row is not None:
            return row
        text = plain(name)
        found = self._names.get(text)
        if found is not None or len(text) < _SHORT:
            return found
        alike = process.extractOne(text, self._all, scorer=fuzz.ratio, score_cutoff=_ALIKE)
        return None if alike is None else self._names[alike[0]]
