"""A recipe as a change of params.yaml, for people to read and for `git apply`."""

import difflib
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ParamsError
from pipeline.recommenders.family import FamilyParams


def proposed_diff(params: Path, name: str, recipe: FamilyParams) -> str:
    """A unified diff that gives params.yaml this recipe; empty where it has it. Comments and order stay.

    Raises:
        ParamsError: the file has no recipes that can be added to.
    """
    before = params.read_text(encoding="utf-8")
    after = with_recipe(before, name, recipe)
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, f"a/{params.name}", f"b/{params.name}"))


def with_recipe(text: str, name: str, recipe: FamilyParams) -> str:
    """params.yaml with the values of a recipe in their places; a recipe that it does not have is added as the last.

    Raises:
        ParamsError: it has no block of recipes, or a recipe between braces lacks a field.
    """
    recipes = _block(_child(yaml.compose(text, Loader=yaml.SafeLoader), "recipes"), "recipes")
    own = _child(recipes, name)
    if own is None:
        return _with_lines(text, recipes, f"  {name}:", *(f"    {line}" for line in _fields(recipe.model_dump())))
    nodes = {field: _child(own, field) for field in type(recipe).model_fields}
    defaults = {field: info.default for field, info in type(recipe).model_fields.items()}
    lacking = {
        field: value
        for field, value in recipe.model_dump().items()
        if nodes[field] is None and value != defaults[field]
    }
    # From the end, so that what comes before keeps its place.
    if lacking:
        text = _with_lines(text, _block(own, f"recipes.{name}"), *(f"    {line}" for line in _fields(lacking)))
    there = {field: node for field, node in nodes.items() if node is not None}
    for field, node in sorted(there.items(), key=lambda item: -item[1].start_mark.index):
        place, new = slice(node.start_mark.index, node.end_mark.index), getattr(recipe, field)
        if yaml.safe_load(text[place]) != new:
            text = text[: place.start] + _yaml(new) + text[place.stop :]
    return text


def _block(node: yaml.Node | None, what: str) -> yaml.MappingNode:
    """Raises:
    ParamsError: it is no mapping, or one between braces.
    """
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise ParamsError(f"params.yaml without a block `{what}:`", expected="one", fix="Write it as a block.")
    return node


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _with_lines(text: str, block: yaml.MappingNode, *lines: str) -> str:
    """Lines after a block's last value. (Its own end lies behind the empty lines and comments that follow it.)"""
    last: yaml.Node = block
    while isinstance(last, yaml.MappingNode) and last.value and not last.flow_style:
        last = last.value[-1][1]
    end = text.find("\n", last.end_mark.index)
    before, after = (text + "\n", "") if end < 0 else (text[: end + 1], text[end + 1 :])
    return before + "".join(f"{line}\n" for line in lines) + after


def _fields(values: dict[str, Any]) -> list[str]:
    return [f"{field}: {_yaml(value)}" for field, value in values.items()]


def _yaml(value: object) -> str:
    """A scalar as YAML has it: Python's 1e-05 would be read as text."""
    return yaml.safe_dump(value).splitlines()[0]
