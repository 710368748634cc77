"""Values as JSON has them: a number that is undefined is null."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, PlainValidator, WithJsonSchema

Json = dict[str, Any]
"""A JSON object."""


OPTIONAL = "optional"
"""Mark of a field that a document leaves out where it has its default: metadata of a pydantic field."""

LEFT_OUT = {OPTIONAL: True}
"""The same mark as metadata of a dataclass field, for `as_json`.

A document that was written before the field existed is then written again with the same bytes.
"""


def as_json(value: Any) -> Any:
    """Return dataclasses, models, mappings, sequences and NumPy numbers as plain JSON values; NaN and ±∞ as null.

    Examples:
        >>> @dataclasses.dataclass
        ... class Price:
        ...     amount: float
        ...     discount: float = dataclasses.field(default=0.0, metadata=LEFT_OUT)
        >>> as_json([Price(2.0), Price(2.0, 0.5)])
        [{'amount': 2.0}, {'amount': 2.0, 'discount': 0.5}]
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: as_json(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if not (field.metadata.get(OPTIONAL) and getattr(value, field.name) == field.default)
        }
    if isinstance(value, BaseModel):
        return as_json(value.model_dump())
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, np.generic):
        return as_json(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, str) else value


def _number(value: Any) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    # An integer stays one: written again, it must be the same text.
    return value


Number = Annotated[float, PlainValidator(_number), WithJsonSchema({"type": ["number", "null"]})]
"""A float that pydantic reads from a JSON number or null; null is NaN."""
