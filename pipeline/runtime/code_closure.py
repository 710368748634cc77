"""Which files a module's results depend on, and a digest of them, for cached results and for the stages of dvc.yaml."""

import hashlib
from collections.abc import Collection
from functools import cache
from pathlib import Path

from pipeline.runtime.source_imports import (
    PACKAGE,
    ROOT,
    executes_something,
    files_below,
    imports_of,
    modules_of,
    packages_by_name,
    packages_of,
    path_of,
)

REGISTRY = f"{PACKAGE}.recommenders.registry"
"""Imports the families of recipes by name; see `loads` of `closure_of`."""

_VALUES = "its values reach results as declared parameters"
_PARAMETERS = f"{_VALUES}; stages depend on the files that define the classes of their parameters instead"
_WHERE_IT_RUNS = "where a kernel runs, not what it computes: tests/runtime proves that results are the same bytes"
LEFT_OUT = {
    "pipeline.as_of": _VALUES,
    "pipeline.configuration": _PARAMETERS,
    "pipeline.errors": "messages and exit statuses",
    "pipeline.params": _PARAMETERS,
    "pipeline.settings": "machine settings, which no result may depend on",
    "pipeline.stages.context": "carries parameters and paths to a stage",
    "pipeline.stages.layout": "paths, which are the deps and outs of dvc.yaml",
    "pipeline.stages.spec": "the type of a stage's declaration",
    "pipeline.state": "whether a stage may run, not what it computes",
    "pipeline.runtime.code_closure": "whether a cached result is used, not what it is",
    "pipeline.runtime.source_imports": "the same",
    **{
        f"pipeline.runtime.{name}": _WHERE_IT_RUNS
        for name in (
            "cached_map",
            "choose",
            "executor",
            "inprocess",
            "java",
            "package_digest",
            "spark_errors",
            "spark_home",
            "spark_ready",
            "spark_server",
            "spark_session",
            "spark_tasks",
            "threads",
            "warm_client",
            "warm_process",
            "warm_request",
            "warm_server",
        )
    },
}
"""Modules, and packages with all their modules, on which no result depends, with the reason. They are no part of any
closure, and neither is what only they import."""


def closure_of(*modules: str, loads: Collection[str] | None = None, root: Path = ROOT) -> frozenset[str]:
    """Return the names of the modules that running `modules` may execute, themselves included.

    A package is among them if its `__init__.py` executes something. A module that imports by a computed name may import
    every module of the package that the name is of.

    Args:
        modules: names such as `pipeline.stages.fit`.
        loads: what `REGISTRY` imports by name; None for every module that it can.
        root: the folder that holds the package.

    Raises:
        FileNotFoundError: there is no such module.
    """
    found: set[str] = set()
    todo = set(modules)
    while todo:
        name = todo.pop()
        if name in found or is_left_out(name):
            continue
        found.add(name)
        todo |= imports_of(name, root)
        todo.update(package for package in packages_of(name) if executes_something(package, root))
        if name == REGISTRY and loads is not None:
            todo.update(loads)
        else:
            todo.update(each for package in packages_by_name(name, root) for each in modules_of(package, root))
    return frozenset(name for name in found if executes_something(name, root))


def files_of(closure: Collection[str], *, root: Path = ROOT) -> frozenset[str]:
    """Return the files of modules, relative to `root`, and those of other kinds in their packages (templates)."""
    paths = {path_of(name, root) for name in closure}
    packages = {path.parent for path in paths}
    below = {path for package in packages - {root / PACKAGE} for path in files_below(package)}
    paths |= {path for path in below if path.suffix != ".py"}
    return frozenset(path.relative_to(root).as_posix() for path in paths)


def code_digest(*modules: str) -> str:
    """Return a digest of the files that the results of modules depend on; computed once in a process."""
    return _digest(tuple(sorted(modules)))


def is_left_out(module: str) -> bool:
    """Whether `LEFT_OUT` names a module or a package that it is in."""
    return any(name in LEFT_OUT for name in (module, *packages_of(module)))


@cache
def _digest(modules: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for file in sorted(files_of(closure_of(*modules))):
        digest.update(file.encode() + b"\0" + hashlib.sha256((ROOT / file).read_bytes()).digest())
    return digest.hexdigest()
