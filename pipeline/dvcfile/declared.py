"""The stages that `pipeline.stages` declares."""

import importlib
import pkgutil
from pathlib import Path

from pipeline import graph, stages
from pipeline.stages.spec import StageSpec


def declared_stages() -> dict[str, StageSpec]:
    """Return the `STAGE` of each module of `pipeline.stages` that has one, by name; a stage comes after all stages that
    write what it reads."""
    names = [module.name for module in pkgutil.iter_modules(stages.__path__)]
    found = {name: getattr(importlib.import_module(f"{stages.__name__}.{name}"), "STAGE", None) for name in names}
    specs = {name: spec for name, spec in found.items() if spec is not None}
    height = _heights(specs)
    return {name: specs[name] for name in sorted(specs, key=lambda name: (-height[name], name))}


def module_of(stage: str) -> str:
    """Return the name of a stage's module."""
    return f"{stages.__name__}.{stage}"


def _heights(specs: dict[str, StageSpec]) -> dict[str, int]:
    """Return the number of stages on the longest way from each stage to one that no other depends on."""
    between = graph.edges(
        tuple(
            graph.Stage(name, spec.desc, _texts(spec.deps), _texts(spec.outs + spec.metrics))
            for name, spec in specs.items()
        )
    )
    height = dict.fromkeys(specs, 0)
    for _ in specs:  # no way is longer than there are stages
        for before, after in between:
            height[before] = max(height[before], height[after] + 1)
    return height


def _texts(paths: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(path.as_posix() for path in paths)
