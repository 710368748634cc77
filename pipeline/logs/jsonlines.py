"""JSON lines to a frame of texts. Polars reads the plain lines; a strict definition in Python decides on the others."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import polars as pl

from pipeline.logs.contents import Lines
from pipeline.logs.reading import MAX_LINE_BYTES
from pipeline.logs.reasons import Reason

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
"""Fields to read: texts, and structs and lists of them."""

LINE_REASONS = frozenset({Reason.LONG_LINE, Reason.NOT_UTF8, Reason.NOT_JSON, Reason.NOT_OBJECT})
"""Reasons that `decode` gives, beyond those of `settle`."""

_FANOUT = 32
_SMALL = 128

# Polars casts every value to text. A text that matches may have been something else in the file: an object, a list, a
# boolean, a fraction, a number beyond a double's digits, a broken escape (which becomes U+0000).
_DOUBTFUL = r"^[{\[-]|^(?:true|false)$|^[0-9]*\.[0-9]|^[0-9.]+[eE]|^[0-9]{16}|\x00"


class _UnstorableError(ValueError):
    pass


def decode(lines: Lines, schema: Schema, *, fractions: Collection[str] = ()) -> pl.DataFrame:
    """Return the fields of each line.

    Text stays as it is and a whole number becomes its digits. Any other value in the place of a text counts as absent,
    as does a value that is not an object or a list in the place of one. Of a repeated key the first value counts.

    Args:
        lines: the lines.
        schema: the fields.
        fractions: fields of the first level that may hold numbers with decimals, which become their digits as well.

    Returns:
        The columns of `schema`, `row` (the line's number) and `reason` (null if the line is a JSON object).
    """
    if (long := lines.longer_than(MAX_LINE_BYTES)).any():
        rows = lines.number[long].tolist()
        too_long = _frame([dict.fromkeys(schema)] * len(rows), rows, [Reason.LONG_LINE] * len(rows), schema)
        return pl.concat([decode(lines.select(~long), schema, fractions=fractions), too_long]).sort("row")
    # Truncated lines, the commonest damage, are cheap to find; without them the rest can be read in one call.
    broken = lines.cut_off(b"{", b"}")
    if _FANOUT * broken.sum() > len(lines) and _read(lines, schema) is not None:
        broken[:] = False  # white space around lines is not damage
    frame = _read(lines.select(~broken) if broken.any() else lines, schema)
    if frame is None:
        broken |= lines.not_utf8()
        frame = _divide(lines.select(~broken), schema, fractions)
    doubtful = frame.select(
        pl.any_horizontal(leaf.str.contains(_DOUBTFUL).fill_null(False) for leaf in _leaves(schema))
    ).to_series()
    doubtful &= frame["reason"].is_null()
    if doubtful.any():
        broken |= np.isin(lines.number, frame["row"].filter(doubtful).to_numpy())
        frame = frame.filter(~doubtful)
    if not broken.any():
        return frame
    return pl.concat([frame, _one_by_one(lines, np.flatnonzero(broken).tolist(), schema, fractions)]).sort("row")


def _read(lines: Lines, schema: Schema) -> pl.DataFrame | None:
    """Read all lines in one call; return None if one is not a JSON object or does not fit the schema."""
    if not len(lines):
        return _frame([], [], [], schema)
    try:
        frame = pl.read_ndjson(lines.block(), schema=dict(schema))
    except (
        pl.exceptions.PolarsError,
        OSError,
    ):  # OSError: Polars decompresses lines that begin like a gzip or zstd file
        return None
    if frame.height != len(lines):
        return None
    return frame.with_columns(row=pl.Series(lines.number, dtype=pl.Int64), reason=pl.lit(None, dtype=pl.String))


def _divide(lines: Lines, schema: Schema, fractions: Collection[str]) -> pl.DataFrame:
    """Read lines in blocks, dividing those that fail: one bad line fails the read of its block."""
    frame = _read(lines, schema)
    if frame is not None:
        return frame
    if len(lines) <= _SMALL:
        return _one_by_one(lines, list(range(len(lines))), schema, fractions)
    step = -(-len(lines) // _FANOUT)
    return pl.concat([_divide(lines.between(i, i + step), schema, fractions) for i in range(0, len(lines), step)])


def _one_by_one(lines: Lines, which: list[int], schema: Schema, fractions: Collection[str] = ()) -> pl.DataFrame:
    decoded = [_decode_line(lines.line(i), schema, fractions) for i in which]
    return _frame([v for v, _ in decoded], lines.number[which].tolist(), [reason for _, reason in decoded], schema)


def _frame(values: list[dict[str, Any]], rows: list[int], reasons: list[str | None], schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(values, schema=dict(schema)).with_columns(
        row=pl.Series(rows, dtype=pl.Int64), reason=pl.Series(reasons, dtype=pl.String)
    )


def _decode_line(line: bytes, schema: Schema, fractions: Collection[str]) -> tuple[dict[str, Any], str | None]:
    """Return a line's values and the reason to quarantine it, or None; the reference for the fast path."""
    nothing = dict.fromkeys(schema)
    try:
        value = parse_json(line.decode("utf-8"))
    except UnicodeDecodeError:
        return nothing, Reason.NOT_UTF8
    except ValueError:
        return nothing, Reason.NOT_JSON
    if not isinstance(value, dict):
        return nothing, Reason.NOT_OBJECT
    try:
        found = {name: _project(value.get(name), dtype) for name, dtype in schema.items()}
        return found | {name: number_of(value.get(name)) or found[name] for name in fractions}, None
    except _UnstorableError:
        return nothing, Reason.UNSTORABLE


def parse_json(text: str) -> Any:
    """Parse JSON (RFC 8259), with control characters allowed in texts. Of a repeated key the first value counts.

    Raises:
        ValueError: it is not JSON, holds NaN or Infinity, or is nested beyond reason.
    """
    try:
        return json.loads(text, strict=False, parse_constant=_refuse, object_pairs_hook=_first_wins)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def text_of(value: Any) -> str | None:
    """Return a text as it is, a whole number as its digits, and None for any other value."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if isinstance(value, float) and not value.is_integer():
            return None
        return _digits(int(value))
    return value if isinstance(value, str) else None


def number_of(value: Any) -> str | None:
    """Return the digits of a number with decimals, without an exponent; None for any other value."""
    if isinstance(value, float) and not value.is_integer() and math.isfinite(value):
        return f"{value:.6f}"
    return None


def storable(text: str) -> bool:
    """Return whether text can be encoded as UTF-8 and stored everywhere: no lone surrogates, no U+0000."""
    return "\x00" not in text and not re.search("[\ud800-\udfff]", text)


def _digits(number: int) -> str | None:
    return str(number) if -(10**30) < number < 10**30 else None


def _project(value: Any, dtype: Any) -> Any:
    if isinstance(dtype, pl.Struct):
        inside = value if isinstance(value, dict) else {}
        return {field.name: _project(inside.get(field.name), field.dtype) for field in dtype.fields}
    if isinstance(dtype, pl.List):
        texts = [text_of(item) for item in value] if isinstance(value, list) else []
        return [text if text is not None and storable(text) else None for text in texts]
    text = text_of(value)
    if text is not None and not storable(text):
        raise _UnstorableError
    return text


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _first_wins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return dict(reversed(pairs))


def _leaves(schema: Schema) -> list[pl.Expr]:
    found: list[pl.Expr] = []

    def walk(expr: pl.Expr, dtype: Any) -> None:
        if isinstance(dtype, pl.Struct):
            for field in dtype.fields:
                walk(expr.struct.field(field.name), field.dtype)
        elif dtype == pl.String:
            found.append(expr)

    for name, dtype in schema.items():
        walk(pl.col(name), dtype)
    return found
