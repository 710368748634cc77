"""What a recipe is, apart from its name: family, hyperparameters and the family's code."""

import ast
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.recommenders.family import FamilyParams
from pipeline.runtime.code_closure import REGISTRY, closure_of, files_of
from pipeline.runtime.source_imports import ROOT, packages_by_name, packages_of

_PACKAGE = packages_of(REGISTRY)[-1]


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def definition_of(recipe: FamilyParams) -> str:
    """Return a digest of a recipe's family, hyperparameters and code, and for an ensemble of its members' as well."""
    members = recipe.member_recipes if isinstance(recipe, EnsembleParams) else ()
    return digest([hyperparameters(recipe), code_of(frozenset(each.family for each in (recipe, *members)))])[:16]


def hyperparameters(recipe: FamilyParams) -> dict[str, Any]:
    """Return a recipe's family and hyperparameters as JSON values, and those of its members; not the members' names."""
    return recipe.model_dump(mode="json", exclude={"members"})


@cache
def code_of(families: frozenset[str], *, root: Path = ROOT) -> str:
    """Return a digest of the code of families, as far as it lies in the package of recommenders.

    Comments, docstrings and layout do not count: a better comment in a shared module would make every recipe another.

    Args:
        families: names of families.
        root: the folder that holds the package.
    """
    (package,) = packages_by_name(REGISTRY, root)
    modules = [f"{package}.{family}" for family in sorted(families)]
    closure = closure_of(*modules, loads=modules, root=root)
    files = files_of({name for name in closure if name.startswith(f"{_PACKAGE}.")}, root=root)
    return digest([[file, _meaning((root / file).read_bytes(), file)] for file in sorted(files)])


def _meaning(content: bytes, file: str) -> str:
    if not file.endswith(".py"):
        return hashlib.sha256(content).hexdigest()
    tree = ast.parse(content)
    for node in ast.walk(tree):
        if isinstance(body := getattr(node, "body", None), list):
            node.body = [each for each in body if not _is_text(each)]  # type: ignore[attr-defined]  # it has one
    return ast.unparse(tree)


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
