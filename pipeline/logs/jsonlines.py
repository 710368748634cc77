"""JSON lines to a frame of texts. Polars reads what is plain; one strict definition in Python decides the rest."""

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from pipeline.logs.contents import Lines
from pipeline.logs.reading import MAX_LINE_BYTES, Reason

Schema = Mapping[str, pl.DataType | type[pl.DataType]]
"""Fields to read: texts, and structs and lists of them."""

_FANOUT = 32
_SMALL = 128

# Polars turns every value into text, so what it gave may have been something else in the file: an object, a list, a
# truth value, a fraction, a number beyond a double's digits, a broken escape (which becomes U+0000).
_DOUBTFUL = r"^[{\[-]|^(?:true|false)$|^[0-9]*\.[0-9]|^[0-9.]+[eE]|^[0-9]{16}|\x00"


class _UnstorableError(ValueError):
    pass


def decode(lines: Lines, schema: Schema) -> pl.DataFrame:
    """The fields of each line.

    Text is text. A whole number is its digits. Anything else where text belongs counts as absent, as does anything but
    an object or a list where these belong. Of a key that is given twice the first counts.

    Returns:
        The columns of `schema`, `row` (the line's number) and `reason` (null where the line was a JSON object).
    """
    if (long := lines.longer_than(MAX_LINE_BYTES)).any():
        rows = lines.number[long].tolist()
        aside = _frame([dict.fromkeys(schema)] * len(rows), rows, [Reason.LONG_LINE] * len(rows), schema)
        return pl.concat([decode(lines.select(~long), schema), aside]).sort("row")
    # The commonest damage is told apart at the cost of a glance, so that the rest can be read at once.
    broken = lines.cut_off(b"{", b"}")
    if _FANOUT * broken.sum() > len(lines) and _read(lines, schema) is not None:
        broken[:] = False  # a log with white space around its lines is whole
    frame = _read(lines.select(~broken) if broken.any() else lines, schema)
    if frame is None:
        broken |= lines.not_utf8()
        frame = _divide(lines.select(~broken), schema)
    doubtful = frame.select(
        pl.any_horizontal(leaf.str.contains(_DOUBTFUL).fill_null(False) for leaf in _leaves(schema))
    ).to_series()
    doubtful &= frame["reason"].is_null()
    if doubtful.any():
        broken |= np.isin(lines.number, frame["row"].filter(doubtful).to_numpy())
        frame = frame.filter(~doubtful)
    if not broken.any():
        return frame
    return pl.concat([frame, _one_by_one(lines, np.flatnonzero(broken).tolist(), schema)]).sort("row")


def _read(lines: Lines, schema: Schema) -> pl.DataFrame | None:
    """All lines at once; None where one of them is no JSON object, or holds what the schema does not foresee."""
    if not len(lines):
        return _frame([], [], [], schema)
    try:
        frame = pl.read_ndjson(lines.block(), schema=dict(schema))
    except pl.exceptions.PolarsError:
        return None
    if frame.height != len(lines):
        return None
    return frame.with_columns(row=pl.Series(lines.number, dtype=pl.Int64), reason=pl.lit(None, dtype=pl.String))


def _divide(lines: Lines, schema: Schema) -> pl.DataFrame:
    """One bad line fails a whole read, so blocks that fail are divided."""
    frame = _read(lines, schema)
    if frame is not None:
        return frame
    if len(lines) <= _SMALL:
        return _one_by_one(lines, list(range(len(lines))), schema)
    step = -(-len(lines) // _FANOUT)
    return pl.concat([_divide(lines.between(i, i + step), schema) for i in range(0, len(lines), step)])


def _one_by_one(lines: Lines, which: list[int], schema: Schema) -> pl.DataFrame:
    decoded = [_decode_line(lines.line(i), schema) for i in which]
    return _frame([v for v, _ in decoded], lines.number[which].tolist(), [reason for _, reason in decoded], schema)


def _frame(values: list[dict[str, Any]], rows: list[int], reasons: list[str | None], schema: Schema) -> pl.DataFrame:
    return pl.DataFrame(values, schema=dict(schema)).with_columns(
        row=pl.Series(rows, dtype=pl.Int64), reason=pl.Series(reasons, dtype=pl.String)
    )


def _decode_line(line: bytes, schema: Schema) -> tuple[dict[str, Any], str | None]:
    """The definition that the fast path is held to."""
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
        return {name: _project(value.get(name), dtype) for name, dtype in schema.items()}, None
    except _UnstorableError:
        return nothing, Reason.UNSTORABLE


def parse_json(text: str) -> Any:
    """JSON as RFC 8259 has it, but for control characters within texts; of a key given twice the first counts.

    Raises:
        ValueError: it is not JSON, holds NaN or Infinity, or is nested beyond reason.
    """
    try:
        return json.loads(text, strict=False, parse_constant=_refuse, object_pairs_hook=_first_wins)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


def text_of(value: Any) -> str | None:
    """A value as text: text itself, the digits of a whole number, else None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        if isinstance(value, float) and not value.is_integer():
            return None
        return _digits(int(value))
    return value if isinstance(value, str) else None


def storable(text: str) -> bool:
    """Whether text survives UTF-8 and every store downstream: no lone surrogates, no U+0000."""
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
