"""What dvc.yaml says of each recipe of params.yaml: the code of its family, and the recipes that it follows."""

from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import Params
from pipeline.runtime.code_closure import REGISTRY
from pipeline.runtime.source_imports import ROOT, packages_by_name

MADE_BY = "# Written by `make dvc-yaml`"
"""How a dvc.yaml begins that may be written anew without asking."""

(FAMILIES,) = packages_by_name(REGISTRY, ROOT)
"""The package of families. A family's module has its name."""


def families_of(params: Params, recipe: str) -> frozenset[str]:
    """Return the modules that `pipeline.recommenders.registry` imports for a recipe: its family, and its members'."""
    named = (recipe, *members_of(params, recipe))
    return frozenset(f"{FAMILIES}.{params.recipes[name].family}" for name in named)


def members_of(params: Params, recipe: str) -> tuple[str, ...]:
    """Return the names of the recipes that a recipe blends; none for one that is not a blend."""
    return tuple(getattr(params.recipes[recipe], "members", ()))


def items_of(params: Params) -> dict[str, dict[str, Any]]:
    """Return the items of `foreach`: for each recipe `code`, a path, and `follows`, the recipes whose parameters it
    depends on.

    DVC has no lists of variable length in `do`: each `follows` is as long as the longest, filled up with the recipe's
    own name, and the code of several families is their folder.
    """
    width = max(1, *(len(members_of(params, name)) for name in params.recipes))
    return {name: {"code": _code(params, name), "follows": _filled(params, name, width)} for name in params.recipes}


def recipes_agree(dvc_yaml: Path, params: Params) -> bool:
    """Return whether the stages that run once per recipe match the recipes of params.yaml.

    Args:
        dvc_yaml: a file that `pipeline.graph.read_stages` accepts.
        params: of the same workspace.
    """
    stages = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    groups = [body["foreach"] for body in stages.values() if "foreach" in body]
    expected = items_of(params)
    return bool(groups) and all(
        group.keys() == expected.keys() and all(_agrees(item, expected[name]) for name, item in group.items())
        for group in groups
    )


def _agrees(item: object, expected: dict[str, Any]) -> bool:
    # A stage that depends on no parameters of members has no `follows`.
    return isinstance(item, dict) and item == {field: value for field, value in expected.items() if field in item}


def _code(params: Params, recipe: str) -> str:
    families = families_of(params, recipe)
    package = FAMILIES.replace(".", "/")
    return f"{package}/{params.recipes[recipe].family}.py" if len(families) == 1 else package


def _filled(params: Params, recipe: str, width: int) -> list[str]:
    members = members_of(params, recipe)
    return [*members, *([recipe] * (width - len(members)))]
