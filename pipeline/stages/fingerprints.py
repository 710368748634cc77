"""Digests of what a night is made from."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pipeline.params import Params
from pipeline.stages.layout import Layout
from pipeline.storage.checksums import digests
from pipeline.storage.tables import read_json

_RULE = [Path(__file__).parents[1] / room for room in ("gate", "metrics")]


def digest(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def recipe_digests(params: Params) -> dict[str, str]:
    """For each recipe, of its family and hyperparameters, and of its members'."""
    return {name: digest(_followed(params, name))[:12] for name in params.recipes}


def pair_key(params: Params, champion: str, challenger: str) -> str | None:
    """Of two recipes and of how they are measured; None where one is not in params.yaml."""
    if not {champion, challenger} <= params.recipes.keys():
        return None
    measured = params.model_dump(mode="json", include={"interactions", "split", "evaluation"})
    return digest([_followed(params, champion), _followed(params, challenger), measured])[:12]


def _followed(params: Params, name: str) -> list[Any]:
    recipe = params.recipes[name]
    return [params.recipes[each].model_dump(mode="json") for each in (name, *getattr(recipe, "members", ()))]


def landing_digest(layout: Layout) -> str:
    """Of the format and the content of the landed files; where they lie and when they got there is no part of it."""
    landing = read_json(layout.landing)
    return digest(
        [
            landing["format"],
            *(landing.get(key) for key in ("columns", "erased", "id_key")),
            [[file[key] for key in ("path", "bytes", "sha256")] for file in landing["files"]],
        ]
    )


def night_inputs(layout: Layout, params: Params) -> str:
    """Of a night's parameters, landed files and served release: what makes it another look."""
    landing = {"landing": landing_digest(layout)}
    return digest(
        {
            "params": params.model_dump(mode="json", exclude={"monitoring"}),
            **landing,
            **digests({"served": layout.served}),
        }
    )[:24]


def rule_code() -> str:
    """Return the digest of the code that decides, pipeline/gate and pipeline/metrics."""
    paths = (path for room in _RULE for path in sorted(room.rglob("*.py")))
    return digest({path.relative_to(_RULE[0].parent).as_posix(): path.read_text(encoding="utf-8") for path in paths})
