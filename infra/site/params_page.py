"""Write the reference page of params.yaml from the pydantic models, wherever their classes live."""

import ast
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from infra.site.markdown import cell, one_line, table
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES

Model = type[BaseModel]

_INTRODUCTION = """\
# params.yaml

Everything that a night computes is set in `params.yaml`. Unknown keys, wrong types and values out of range are refused
with the dotted path of the key. Change a value for one experiment with `dvc exp run -S KEY=VALUE`
([how](../../how-to/run-an-experiment.md)). This page is generated from the code at each build of the site.
"""
_BOUNDS = {Ge: ("≥", "ge"), Gt: (">", "gt"), Le: ("≤", "le"), Lt: ("<", "lt")}


def params_page(root: Model, values: dict[str, object]) -> str:
    """Return the page in Markdown.

    Args:
        root: the model of the whole file.
        values: the file as shipped, for the column "shipped value".
    """
    sections = [_INTRODUCTION, *_sections(root, (), values)]
    return "\n".join(sections)


def _sections(model: Model, path: tuple[str, ...], values: object) -> Iterator[str]:
    given = values if isinstance(values, dict) else {}
    documented = field_docs(model)
    leaves, nested = [], []
    for name, field in model.model_fields.items():
        models = list(models_in(field.annotation))
        text = one_line(field.description or documented.get(name, ""))
        if models:
            nested.append((name, models, text))
        else:
            leaves.append((name, field, text))
    if path:
        yield f"\n## {'.'.join(path)}\n" if len(path) == 1 else f"\n### {'.'.join(path)}\n"
        yield one_line(inspect.getdoc(model) or "") + "\n"
    if leaves:
        yield table(
            ("key", "meaning", "type", "shipped value"),
            [(f"`{name}`", text, _unbroken(describe(each)), _shipped(given.get(name))) for name, each, text in leaves],
        )
    for name, models, text in nested:
        if path and text:
            yield f"\n`{'.'.join((*path, name))}`: {text}\n"
        if models == [FamilyParams]:
            yield from _families(name, [family.params for family in FAMILIES.values()])
        elif len(models) == 1:
            yield from _sections(models[0], (*path, name), given.get(name))
        else:
            raise TypeError(f"{'.'.join((*path, name))} has several models, and only recipes may")


def _families(name: str, models: list[Model]) -> Iterator[str]:
    """Yield a section for each family of recipes."""
    yield f"\n## {name}\n"
    yield "A mapping from a recipe's name to its family and hyperparameters. The families:\n"
    for model in models:
        docs = field_docs(model)
        family = typing.get_args(model.model_fields["family"].annotation)[0]
        yield f"\n### family: {family}\n"
        yield one_line(inspect.getdoc(model) or "") + "\n"
        fields = {n: f for n, f in model.model_fields.items() if n != "family" and not list(models_in(f.annotation))}
        if fields:
            rows = [
                (f"`{n}`", one_line(f.description or docs.get(n, "")), _unbroken(describe(f)), _default(f))
                for n, f in fields.items()
            ]
            yield table(("key", "meaning", "type", "default"), rows)


def models_in(annotation: object) -> Iterator[Model]:
    """Yield the models that an annotation names, in order, inside unions, containers and `Annotated` too."""
    if inspect.isclass(annotation) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, BaseModel):
            yield annotation
    else:
        for argument in typing.get_args(annotation):
            yield from models_in(argument)


def field_docs(model: Model) -> dict[str, str]:
    """Return the docstring under each field of a model and of the models it inherits from."""
    found: dict[str, str] = {}
    for base in reversed(model.__mro__):
        if base is not BaseModel and issubclass(base, BaseModel):
            found |= _class_docs(base.__module__).get(base.__name__, {})
    return found


@cache
def _class_docs(module: str) -> dict[str, dict[str, str]]:
    tree = ast.parse(inspect.getsource(sys.modules[module]))
    return {
        node.name: {
            before.target.id: after.value.value
            for before, after in zip(node.body, node.body[1:], strict=False)
            if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name)
            if isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
            and isinstance(after.value.value, str)
        }
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }


def describe(field: FieldInfo) -> str:
    """Return a field's type and bounds in words: `integer, ≥ 1, ≤ 365`."""
    bounds = []
    for rule in _metadata(field):
        if type(rule) in _BOUNDS:
            sign, attribute = _BOUNDS[type(rule)]
            bound = getattr(rule, attribute)
            bounds.append(f"{sign} {bound:,}" if isinstance(bound, int) else f"{sign} {bound:g}")
        elif isinstance(rule, MinLen):
            bounds.append(f"at least {rule.min_length}")
        elif isinstance(rule, MaxLen):
            bounds.append(f"at most {rule.max_length}")
    return ", ".join([_type(field.annotation), *bounds])


def _unbroken(text: str) -> str:
    """Return a description whose signs stay on the line of their numbers."""
    return re.sub(r"([≥>≤<]) ", "\\1\N{NO-BREAK SPACE}", text)


def _metadata(field: FieldInfo) -> Iterator[object]:
    """Yield a field's constraints, those of an optional field's other type too."""
    pending = [*field.metadata]
    for argument in typing.get_args(field.annotation):
        pending += getattr(argument, "__metadata__", ())
    for rule in pending:
        if isinstance(rule, FieldInfo):
            yield from rule.metadata
        else:
            yield rule


def _type(annotation: object) -> str:
    names = {int: "integer", float: "number", str: "text", bool: "true or false", type(None): "null"}
    if annotation in names:
        return names[annotation]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if origin is typing.Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is dict:
        return f"mapping to {_type(arguments[1])}"
    if origin in (tuple, list):
        return f"list of {_type(arguments[0])}"
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_type(argument) for argument in arguments)
    return getattr(annotation, "__name__", str(annotation))


def _shipped(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return cell(", ".join(f"{key}: {each}" for key, each in value.items()))
    return f"`{value}`"


def _default(field: FieldInfo) -> str:
    return "required" if field.is_required() else f"`{field.get_default(call_default_factory=True)}`"
