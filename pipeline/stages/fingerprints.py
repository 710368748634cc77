"""Digests of a night's inputs."""

import hashlib
import json
from typing import Any

from pipeline.configuration import Params
from pipeline.gate.record import make_record
from pipeline.runtime.code_closure import code_digest
from pipeline.stages.layout import Layout
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import read_json


def digest(value: Any) -> str:
    """Return the SHA-256 of a JSON value, in hexadecimal."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def recipe_digests(params: Params) -> dict[str, str]:
    """Return, for each recipe, a digest of its family and hyperparameters and those of its members."""
    return {name: digest(_followed(params, name))[:12] for name in params.recipes}


def pair_key(params: Params, champion: str, challenger: str) -> str | None:
    """Return a digest of two recipes and of the parameters of their measurement; None if one is not in params.yaml."""
    if not {champion, challenger} <= params.recipes.keys():
        return None
    measured = params.model_dump(mode="json", include={"interactions", "split", "evaluation"})
    return digest([_followed(params, champion), _followed(params, challenger), measured])[:12]


def _followed(params: Params, name: str) -> list[Any]:
    recipe = params.recipes[name]
    return [params.recipes[each].model_dump(mode="json") for each in (name, *getattr(recipe, "members", ()))]


def landing_digest(layout: Layout) -> str:
    """Return a digest of format and content of the landed files; it does not depend on their folder or their times."""
    landing = read_json(layout.landing)
    return digest(
        [
            landing["format"],
            *(landing.get(key) for key in ("columns", "erased", "id_key")),
            [[file[key] for key in ("path", "bytes", "sha256")] for file in landing["files"]],
        ]
    )


def night_inputs(layout: Layout, params: Params) -> str:
    """Return a digest of a night's parameters, landed files and served release.

    With another digest, the night counts as another interim analysis.
    """
    landing = {"landing": landing_digest(layout)}
    return digest(
        {
            "params": params.model_dump(mode="json", exclude={"monitoring"}),
            **landing,
            **digests({"served": layout.served}),
        }
    )[:24]


def rule_code() -> str:
    """Return the digest of the code that makes a decision from its inputs."""
    return code_digest(make_record.__module__)
