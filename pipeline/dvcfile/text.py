"""The text of dvc.yaml."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import Params
from pipeline.dvcfile.code import code_of
from pipeline.dvcfile.declared import declared_stages
from pipeline.dvcfile.recipes import MADE_BY, items_of
from pipeline.stages.spec import DATA, MEMBERS, RECIPE, StageSpec

_HEAD = f"""\
{MADE_BY} from the stages' declarations (STAGE in pipeline/stages/*.py), the code that they
# import and the recipes of params.yaml. Change those and run it again: `make lint` fails on a difference
# (docs/adr/0015-dvc-yaml-is-generated.md).
# The stages are pure: each is a function of its deps and params, and none acts on the world.
# Recipe names are written out, not taken from ${{recipes}}: the shell executes what DVC interpolates into a cmd.
"""

_FOLLOWS = """\
# A blend follows its members' parameters and runs their families' code: the folder's. DVC has no lists of variable
# length in `do`, so a recipe with fewer members than the longest blend follows itself, too.
"""

_PLOTS = f"""
plots:
  - accuracy:
      title: NDCG of each recipe
      template: bar_horizontal
      x: ndcg
      y:
        {DATA.recipes_plot.as_posix()}: recipe
  - accuracy_against_cost:
      title: NDCG against CPU time of a night
      template: scatter
      x: cpu_seconds
      y:
        {DATA.recipes_plot.as_posix()}: ndcg
      x_label: CPU seconds
      y_label: NDCG
"""


def dvc_yaml(params: Params) -> str:
    """Return the text of dvc.yaml for a workspace with these parameters."""
    stages = "\n".join(_stage(name, spec, params) for name, spec in declared_stages().items())
    return f"{_HEAD}stages:\n{stages}{_PLOTS}"


def _stage(name: str, spec: StageSpec, params: Params) -> str:
    if not spec.per_recipe:
        return "".join(_indented(2, [f"{name}:", *_indent(2, _body(name, spec, params, follows=0))]))
    items = items_of(params)
    width = len(next(iter(items.values()))["follows"]) if MEMBERS in spec.params else 0
    lines = [f"{name}:", "  foreach:", *(_indent(4, _FOLLOWS.splitlines()) if width else [])]
    for recipe, item in items.items():
        shown = item if width else {"code": item["code"]}
        lines.append(f"    {recipe}: {_flow(shown)}")
    return "".join(_indented(2, [*lines, "  do:", *_indent(4, _body(name, spec, params, follows=width))]))


def _body(name: str, spec: StageSpec, params: Params, *, follows: int) -> list[str]:
    run = f"netgain stage {name} {RECIPE}" if spec.per_recipe else f"netgain stage {name}"
    own = ["${item.code}"] if spec.per_recipe else []
    lines = [f"desc: {_scalar(spec.desc)}", f"cmd: {run}", *_list("deps", spec.deps)]
    lines += ["  # code", *(f"  - {file}" for file in (*own, *code_of(name, spec, params)))]
    if spec.params:
        lines += ["params:", *(line for each in spec.params for line in _param(each, follows))]
    return [*lines, *_list("outs", spec.outs), *_list("metrics", spec.metrics)]


def _param(declared: str, follows: int) -> list[str]:
    if declared == MEMBERS:
        return [f"  - {MEMBERS.removesuffix('}')}[{place}]}}" for place in range(follows)]
    file, colon, name = declared.rpartition(":")
    return [f"  - {file}:", f"      - {name}"] if colon else [f"  - {name}"]


def _list(field: str, paths: Iterable[Path]) -> list[str]:
    lines = [f"  - {path.as_posix()}" for path in paths]
    return [f"{field}:", *lines] if lines else []


def _flow(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10_000).strip()


def _scalar(text: str) -> str:
    return yaml.safe_dump(text, allow_unicode=True, width=10_000).removesuffix("...\n").strip()


def _indent(width: int, lines: Iterable[str]) -> list[str]:
    return [" " * width + line for line in lines]


def _indented(width: int, lines: Iterable[str]) -> list[str]:
    return [line + "\n" for line in _indent(width, lines)]
