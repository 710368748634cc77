"""The files of code that a stage depends on: those that it imports, and those that define its parameters.

The second hold the defaults of parameters: a default that changes is another value, of which params.yaml says nothing.
"""

from collections.abc import Collection, Iterator
from inspect import get_annotations
from pathlib import Path, PurePosixPath
from typing import Any, get_args

from pydantic import BaseModel

from pipeline.configuration import Params
from pipeline.dvcfile.declared import module_of
from pipeline.dvcfile.recipes import families_of, members_of
from pipeline.runtime.code_closure import closure_of, files_of
from pipeline.runtime.source_imports import PACKAGE, ROOT, file_of, files_below
from pipeline.stages.spec import MEMBERS, RECIPE, StageSpec


def code_of(name: str, spec: StageSpec, params: Params) -> tuple[str, ...]:
    """Return a stage's files of code, sorted; folders stand for all that is in them.

    Those of a stage that runs once for each recipe are what its recipes share: the `code` of a recipe's item
    (`pipeline.dvcfile.recipes`) is left out.
    """
    if not spec.per_recipe:
        files = files_of(closure_of(module_of(name))) | _defining(spec, params)
        return folded(files)
    shared: set[str] = set()
    for recipe in params.recipes:
        own = families_of(params, recipe)
        files = files_of(closure_of(module_of(name), loads=own)) | _defining(spec, params, recipe)
        shared |= files - files_of(own)
    return folded(shared)


def folded(files: Collection[str], *, root: Path = ROOT) -> tuple[str, ...]:
    """Return sorted paths of files, each folder of which all files are given in place of them.

    An `__init__.py` that executes nothing need not be given, nor are hidden and compiled files looked at.
    """
    given = set(files)
    folders = {parent for file in given for parent in PurePosixPath(file).parents if parent.name}
    whole = [folder.as_posix() for folder in folders if folder.as_posix() != PACKAGE and _is_whole(folder, given, root)]
    outermost = [each for each in whole if not any(each.startswith(f"{other}/") for other in whole)]
    left = [file for file in given if not any(file.startswith(f"{folder}/") for folder in outermost)]
    return tuple(sorted([*outermost, *left]))


def _is_whole(folder: PurePosixPath, given: set[str], root: Path) -> bool:
    found = {path.relative_to(root).as_posix() for path in files_below(root / folder)}
    needed = {file for file in found if not file.endswith("/__init__.py")}
    return len(needed) > 1 and needed <= given


def _defining(spec: StageSpec, params: Params, recipe: str | None = None) -> set[str]:
    classes: set[type[BaseModel]] = set()
    for declared in spec.params:
        for value in _values(declared, params, recipe):
            if isinstance(value, BaseModel):
                classes |= set(_classes(type(value)))
    return {file_of(each.__module__) for each in classes}


def _values(declared: str, params: Params, recipe: str | None) -> list[Any]:
    """Return the values of params.yaml that a declared parameter stands for, or the sections that they are in."""
    section, _, rest = declared.partition(".")
    if recipe is not None and declared == MEMBERS:
        return [params.recipes[member] for member in members_of(params, recipe)]
    if recipe is not None and rest == RECIPE:
        return [params.recipes[recipe]]
    if section == "recipes":
        return list(params.recipes.values())
    return [getattr(params, section)] if ":" not in declared else []


def _classes(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """Yield a class of parameters, its bases with fields of their own, and the classes of its fields."""
    yield from (base for base in model.__mro__ if _is_ours(base) and get_annotations(base))
    for field in model.model_fields.values():
        for found in _types(field.annotation):
            if _is_ours(found):
                yield from _classes(found)


def _types(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _types(part)


def _is_ours(found: Any) -> bool:
    return isinstance(found, type) and issubclass(found, BaseModel) and found.__module__.startswith(f"{PACKAGE}.")
