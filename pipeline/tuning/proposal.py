"""A recipe as a change of params.yaml, for review and for `git apply`."""

import difflib
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ParamsError
from pipeline.recommenders.family import FamilyParams


def proposed_diff(params: Path, name: str, recipe: FamilyParams) -> str:
    """Return a unified diff that sets this recipe in params.yaml; empty if nothing changes. Comments and order stay.

    Raises:
        ParamsError: params.yaml has no block of recipes.
    """
    before = params.read_text(encoding="utf-8")
    after = with_recipe(before, name, recipe)
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, f"a/{params.name}", f"b/{params.name}"))


def with_recipe(text: str, name: str, recipe: FamilyParams) -> str:
    """Return the text of params.yaml with the values of a recipe set in place; a new recipe is appended.

    Raises:
        ParamsError: it has no block of recipes, or a recipe in braces lacks a field.
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
    # Backwards from the end, so that earlier positions stay valid.
    if lacking:
        text = _with_lines(text, _block(own, f"recipes.{name}"), *(f"    {line}" for line in _fields(lacking)))
    there = {field: node for field, node in nodes.items() if node is not None}
    for field, node in sorted(there.items(), key=lambda item: -item[1].start_mark.index):
        place, new = slice(node.start_mark.index, node.end_mark.index), getattr(recipe, field)
        if yaml.safe_load(text[place]) != new:
            text = text[: place.start] + _yaml(new) + text[place.stop :]
    return text


def _block(node: yaml.Node | None, what: str) -> yaml.MappingNode:
    """Return the node as a mapping.

    Raises:
        ParamsError: it is not a block mapping.
    """
    if not isinstance(node, yaml.MappingNode) or node.flow_style or not node.value:
        raise ParamsError(
            f"params.yaml has no block `{what}:`",
            expected="a block mapping",
            fix="Write it as a block, without braces.",
        )
    return node


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _with_lines(text: str, block: yaml.MappingNode, *lines: str) -> str:
    """Insert lines after a block's last value; the block's own end lies after the blank lines and comments below it."""
    last: yaml.Node = block
    while isinstance(last, yaml.MappingNode) and last.value and not last.flow_style:
        last = last.value[-1][1]
    end = text.find("\n", last.end_mark.index)
    before, after = (text + "\n", "") if end < 0 else (text[: end + 1], text[end + 1 :])
    return before + "".join(f"{line}\n" for line in lines) + after


def _fields(values: dict[str, Any]) -> list[str]:
    return [f"{field}: {_yaml(value)}" for field, value in values.items()]


def _yaml(value: object) -> str:
    """Return a scalar in YAML notation; Python's 1e-05 would be read as text."""
    return yaml.safe_dump(value).splitlines()[0]
