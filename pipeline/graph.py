"""The stages of dvc.yaml and the edges between them.

Only the standard library and yaml are imported, because Airflow's scheduler parses this module again and again.
"""

import posixpath
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.errors import ParamsError

EFFECTS = ("account", "record", "promote", "publish", "monitor", "erase")
"""What acts on the world after the last pure stage, in order. Effects are not stages of DVC."""

UNKNOWN_STAGE = "Name a stage of dvc.yaml; for a recipe that is new in params.yaml, run `make dvc-yaml` first."
"""What to do about a stage that dvc.yaml does not have."""

_NAME = re.compile(r"[a-z][a-z0-9_]*(@[a-z][a-z0-9_]*)?")
_REFERENCE = re.compile(r"\$\{([a-z_.]+)\}")


@dataclass(frozen=True)
class Stage:
    """A stage of dvc.yaml, expanded.

    Attributes:
        name: DVC's name, such as `fit@als`.
        desc: one line for people.
        deps: paths it reads, code included.
        outs: paths it writes, metrics included.
    """

    name: str
    desc: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]


def read_stages(dvc_yaml: Path) -> tuple[Stage, ...]:
    """Return all stages in the file's order, with `foreach` expanded.

    Raises:
        ParamsError: the file is missing or holds no stages, or a stage's name is more than one word of a command.
    """
    try:
        bodies = yaml.safe_load(dvc_yaml.read_text(encoding="utf-8"))["stages"]
    except FileNotFoundError as err:
        raise ParamsError(
            f"no file {dvc_yaml}", expected="the stages of the night", fix="Run from the project's folder."
        ) from err
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError) as err:
        where = " ".join(str(err).split())
        raise ParamsError(f"{dvc_yaml} holds no stages: {where}", expected="dvc.yaml", fix="Mend the file.") from err
    stages = []
    for name, body in bodies.items():
        if "foreach" in body:
            stages += [
                _stage(f"{name}@{key}", body["do"], {"key": key, "item": v}) for key, v in body["foreach"].items()
            ]
        else:
            stages.append(_stage(name, body, {}))
    return tuple(stages)


def edges(stages: tuple[Stage, ...]) -> frozenset[tuple[str, str]]:
    """Return pairs (upstream, downstream): the downstream stage reads what the upstream one writes, or a part of it."""
    return frozenset(
        (upstream.name, stage.name)
        for stage in stages
        for upstream in stages
        if upstream is not stage and any(_overlap(dep, out) for dep in stage.deps for out in upstream.outs)
    )


def last_stages(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """Return the names of stages that no other depends on. The effects wait for them."""
    upstream = {before for before, _ in edges(stages)}
    return tuple(stage.name for stage in stages if stage.name not in upstream)


def _stage(name: str, body: dict[str, Any], variables: dict[str, Any]) -> Stage:
    if not _NAME.fullmatch(name):
        raise ParamsError(
            f"a stage named {name!r} in dvc.yaml", expected=_NAME.pattern, fix="Rename it: the name becomes a command."
        )

    def paths(*fields: str) -> tuple[str, ...]:
        entries = [entry for field in fields for entry in body.get(field, [])]
        # An entry with options is a mapping of one path to them.
        return tuple(_expand(e if isinstance(e, str) else next(iter(e)), variables) for e in entries)

    return Stage(name, body.get("desc", ""), paths("deps"), paths("outs", "metrics", "plots"))


def _expand(text: str, variables: dict[str, Any]) -> str:
    def value(match: re.Match[str]) -> str:
        found: Any = variables
        for part in match.group(1).split("."):
            found = found[part]
        return str(found)

    return posixpath.normpath(_REFERENCE.sub(value, text))


def _overlap(a: str, b: str) -> bool:
    return a == b or a.startswith(b + "/") or b.startswith(a + "/")
