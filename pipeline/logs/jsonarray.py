"""A JSON array of plays, as services export them, to a frame of texts."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from pipeline.logs.jsonlines import parse_json, storable, text_of
from pipeline.logs.reading import UnreadableFileError
from pipeline.logs.reasons import Reason

ARRAY_REASONS = frozenset({Reason.NOT_OBJECT})
"""Reasons that `texts` gives, beyond those of `settle`."""


def read_array(data: bytes) -> list[Any]:
    """Return the elements of a JSON array.

    Raises:
        UnreadableFileError: it is not a JSON array in UTF-8.
    """
    try:
        rows = parse_json(data.decode())
    except ValueError as err:
        raise UnreadableFileError(str(err)) from err
    if not isinstance(rows, list):
        raise UnreadableFileError("not an array")
    return rows


def texts(rows: list[Any], fields: Mapping[str, str]) -> pl.DataFrame:
    """Return the fields of each element as texts (`text_of`).

    Args:
        rows: elements of the array.
        fields: column → key of the elements.

    Returns:
        `row`, `reason` (null if the element is an object whose texts can be stored) and the columns of `fields`.
    """
    frame = pl.DataFrame(
        [_project(row, fields) for row in rows], schema={"reason": pl.String, **dict.fromkeys(fields, pl.String)}
    )
    return frame.with_columns(row=pl.int_range(frame.height, dtype=pl.Int64))


def present(*columns: str) -> pl.Expr:
    """Return whether any of these texts is there and not blank."""
    return pl.any_horizontal((pl.col(name).str.strip_chars() != "").fill_null(False) for name in columns)


def no_music(named: pl.Expr, *, spoken: pl.Expr) -> pl.Expr:
    """Return the reason of rows that name no song: of an episode, or of nothing at all but a time. Others keep theirs.

    Args:
        named: whether a row names an artist, a track, or the track's id.
        spoken: whether it names a podcast or an audiobook.
    """
    found = pl.when(~named & spoken).then(pl.lit(Reason.NOT_MUSIC.value))
    return pl.coalesce("reason", found.when(~named & present("played_at")).then(pl.lit(Reason.NAMES_NOTHING.value)))


def raw_json(value: Any) -> bytes:
    """Return an element as JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")


def assemble(rows: Sequence[bytes]) -> bytes:
    """Return a JSON array of elements written by `raw_json`, one per line."""
    return b"[\n" + b",\n".join(rows) + b"\n]\n"


def _project(row: Any, fields: Mapping[str, str]) -> dict[str, str | None]:
    if not isinstance(row, dict):
        return {"reason": Reason.NOT_OBJECT}
    found = {column: text_of(row.get(field)) for column, field in fields.items()}
    if not all(storable(text) for text in found.values() if text is not None):
        return {"reason": Reason.UNSTORABLE}
    return {"reason": None, **found}
