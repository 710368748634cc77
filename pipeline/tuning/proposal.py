"""A recipe as a change of params.yaml, for people to read and for `git apply`."""

import difflib
from pathlib import Path

import yaml

from pipeline.errors import ParamsError
from pipeline.params import Recipe


def proposed_diff(params: Path, name: str, recipe: Recipe) -> str:
    """A unified diff that gives params.yaml this recipe; empty where it has it. Comments and order stay.

    Raises:
        ParamsError: the file has no recipes that can be added to.
    """
    before = params.read_text(encoding="utf-8")
    after = with_recipe(before, name, recipe)
    old, new = (text.splitlines(keepends=True) for text in (before, after))
    return "".join(difflib.unified_diff(old, new, f"a/{params.name}", f"b/{params.name}"))


def with_recipe(text: str, name: str, recipe: Recipe) -> str:
    """params.yaml with the values of a recipe in their places; a recipe that it does not have is added as the last.

    Raises:
        ParamsError: it has no block of recipes.
    """
    recipes = _child(yaml.compose(text, Loader=yaml.SafeLoader), "recipes")
    if not isinstance(recipes, yaml.MappingNode) or recipes.flow_style:
        raise ParamsError("params.yaml without a block `recipes:`", expected="one", fix="Write the recipes as a block.")
    own = _child(recipes, name)
    if own is None:
        end = _line_after(text, recipes)
        block = [f"  {name}:", *(f"    {field}: {_yaml(value)}" for field, value in recipe.model_dump().items())]
        start = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
        return start + "\n".join(block) + "\n" + text[end:]
    values = {field: _child(own, field) for field in type(recipe).model_fields}
    # From the end, so that what comes before keeps its place.
    for field, node in sorted(values.items(), key=lambda item: -item[1].start_mark.index if item[1] else 0):
        new = getattr(recipe, field)
        if node is not None and yaml.safe_load(text[node.start_mark.index : node.end_mark.index]) != new:
            text = text[: node.start_mark.index] + _yaml(new) + text[node.end_mark.index :]
    return text


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _line_after(text: str, node: yaml.Node) -> int:
    """Where the line after a node's last value begins; a block's own end lies behind what separates it."""
    while isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        node = node.value[-1][1]
    end = text.find("\n", node.end_mark.index)
    return len(text) if end < 0 else end + 1


def _yaml(value: object) -> str:
    """A scalar as YAML has it: Python's 1e-05 would be read as text."""
    return yaml.safe_dump(value).splitlines()[0]
