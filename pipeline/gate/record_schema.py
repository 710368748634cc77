"""The shape of decision.json as a JSON Schema, drawn from its pydantic model.

docs/reference/decision.schema.json is what `python -m pipeline.gate.record_schema` prints.
"""

import ast
import inspect
import json
import textwrap
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel

from pipeline.gate.record_model import SCHEMA, DecisionRecord
from pipeline.json_values import OPTIONAL, Json


def record_schema() -> Json:
    """Return the JSON Schema (draft 2020-12) of decision.json. An undefined number is null.

    Every key is required but those of later versions, which are left out where they do not apply.
    """
    drawn = DecisionRecord.model_json_schema()
    classes = {each.__name__: each for each in _classes(DecisionRecord)}
    defs = {name: _closed(shape, classes.get(name)) for name, shape in sorted(drawn.pop("$defs").items())}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_closed(drawn, DecisionRecord),
        "title": f"Netgain's decision.json, schema {SCHEMA}",
        "$defs": defs,
    }


def optional_fields(kind: type | None) -> set[str]:
    """Return the fields of a class that a record leaves out where they have their default."""
    if kind is not None and is_dataclass(kind):
        return {each.name for each in fields(kind) if each.metadata.get(OPTIONAL)}
    if kind is not None and issubclass(kind, BaseModel):
        return {name for name, each in kind.model_fields.items() if OPTIONAL in each.metadata}
    return set()


def field_texts(kind: type) -> dict[str, str]:
    """Return the strings below the fields of a class and of those that it inherits from.

    They are read from the source when the schema is drawn: at run time they would slow every start.
    """
    texts: dict[str, str] = {}
    for each in reversed(kind.__mro__):
        if not (each is not BaseModel and (is_dataclass(each) or issubclass(each, BaseModel))):
            continue
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(each))).body
        assert isinstance(tree, ast.ClassDef)
        for field, below in pairwise(tree.body):
            match field, below:
                case ast.AnnAssign(target=ast.Name(name)), ast.Expr(ast.Constant(str(text))):
                    texts[name] = " ".join(text.split())
    return texts


def _classes(root: type) -> set[type]:
    """Return the dataclasses and models that a class is made of, itself included."""
    found: set[type] = set()
    todo: list[Any] = [root]
    while todo:
        kind = todo.pop()
        todo += get_args(kind)
        if isinstance(kind, type) and kind not in found and (is_dataclass(kind) or issubclass(kind, BaseModel)):
            found.add(kind)
            todo += get_type_hints(kind).values()
    return found


def _closed(shape: Any, kind: type | None = None) -> Any:
    """Return a shape with nothing left out and nothing added, with the descriptions of its fields."""
    if isinstance(shape, list):
        return [_closed(each) for each in shape]
    if not isinstance(shape, dict):
        return shape
    out = {key: _closed(value) for key, value in shape.items() if key not in {"title", "default"}}
    if isinstance(shape.get("properties"), dict):
        texts = field_texts(kind) if kind is not None else {}
        # A field called title or default is no keyword: properties are copied by name.
        out["properties"] = {
            name: _closed(value) | ({"description": texts[name]} if name in texts else {})
            for name, value in shape["properties"].items()
        }
        required = [name for name in out["properties"] if name not in optional_fields(kind)]
        about = (kind.__doc__ or "").split("Attributes:")[0] if kind is not None else ""
        out |= {"required": required, "additionalProperties": False}
        out |= {"description": " ".join(about.split())} if about else {}
    return out


if __name__ == "__main__":
    print(json.dumps(record_schema(), indent=2, ensure_ascii=False))  # noqa: T201
