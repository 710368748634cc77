"""The declaration of a pure stage. `make dvc-yaml` writes dvc.yaml from it; code dependencies are computed."""

from dataclasses import dataclass
from pathlib import Path

from pipeline.stages.layout import Layout

DATA = Layout(Path())
"""Paths as dvc.yaml names them, relative to the workspace."""

RECIPE = "${key}"
"""The recipe of a stage that runs once for each, in a path or a parameter: `DATA.model(RECIPE)`."""

MEMBERS = "recipes.${item.follows}"
"""Among `params`: the parameters of the recipes that the recipe is a blend of."""

AS_OF = "night/night.yaml:as_of"
"""Among `params`: the night's date."""


@dataclass(frozen=True)
class StageSpec:
    """A pure stage: a function `run` of declared files and parameters, in a module of its name.

    Attributes:
        desc: one line for people.
        deps: the data it reads. The code that it runs is found by `pipeline.runtime.code_closure`.
        params: dotted names of params.yaml, or FILE:NAME of another file.
        outs: files and folders that it writes.
        metrics: JSON files that it writes and `dvc metrics` shows.
        per_recipe: whether it runs once for each recipe of params.yaml, whose name is then an argument of `run`.
    """

    desc: str
    deps: tuple[Path, ...]
    outs: tuple[Path, ...]
    params: tuple[str, ...] = ()
    metrics: tuple[Path, ...] = ()
    per_recipe: bool = False
