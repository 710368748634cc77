"""The texts in a broken row that may be a listener's id: whole strings, fields and words, never parts of them."""

import csv
import json
import re

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|$)', re.DOTALL)
_SEPARATORS = "\t,;|"
_BETWEEN_WORDS = re.compile(r"[\s\"',;|:=<>{}\[\]]+")
_MOST_FIELD = 1 << 20
"""A longer field is no id [characters]."""


def candidates(raw: bytes) -> set[str]:
    """Return the texts of a row that may be an id, for rows in which no reader found a listener.

    Rows that look like JSON give their strings, also one that is cut off at its end, and the words outside of them.
    Other rows give their fields or, without separators, their words. So the row of `ann smith` does not count as one
    of `ann`.

    >>> sorted(candidates(b'{"listener_id": "ann smith", "track": "x'))
    ['ann smith', 'listener_id', 'track', 'x']
    >>> sorted(candidates(b'2026-01-01|ann smith|x'))
    ['2026-01-01', '2026-01-01|ann smith|x', 'ann smith', 'x']
    """
    text = raw.decode("utf-8", "replace").strip("\r\n")
    found = {text.strip()}
    if text.lstrip()[:1] in ("{", "["):
        found = {_unescaped(match.group(1)) for match in _STRING.finditer(text)}
        return _without_blank(found | set(_BETWEEN_WORDS.split(_STRING.sub(" ", text))))
    separators = [each for each in _SEPARATORS if each in text]
    for separator in separators:
        found |= _fields(text, separator)
    if not separators:
        found |= set(_BETWEEN_WORDS.split(text))
    return _without_blank(found)


def _fields(text: str, separator: str) -> set[str]:
    fields = {field.strip() for field in text.split(separator)}
    try:
        parsed = csv.reader([text], delimiter=separator, skipinitialspace=True)
        return fields | {field.strip() for row in parsed for field in row}
    except csv.Error:  # a field longer than Python's limit
        return fields


def _unescaped(body: str) -> str:
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:
        return body


def _without_blank(found: set[str]) -> set[str]:
    return {text for text in found if text and len(text) < _MOST_FIELD}
