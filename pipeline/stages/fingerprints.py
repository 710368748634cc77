"""Digests of a night's inputs."""

from pipeline.configuration import FALLBACK_RECIPE, Params
from pipeline.gate.champion import ChampionDefinition
from pipeline.gate.record import make_record
from pipeline.gate.spending import Entrant
from pipeline.json_values import Json
from pipeline.recommenders.ensemble import EnsembleParams
from pipeline.runtime.code_closure import code_digest
from pipeline.stages.definitions import definition_of
from pipeline.stages.definitions import digest as digest  # noqa: PLC0414  # others take it from here
from pipeline.stages.layout import Layout
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import read_json


def definitions(params: Params) -> dict[str, str]:
    """Return, for each recipe, a digest of its definition: family, hyperparameters, members and the families' code."""
    return {name: definition_of(recipe) for name, recipe in params.recipes.items()}


def recipe_digests(params: Params) -> dict[str, str]:
    """Return, for each recipe, a digest of its family and hyperparameters and those of its members."""
    return {name: digest(_followed(params, name))[:12] for name in params.recipes}


def entrants(params: Params, champion: ChampionDefinition | None) -> dict[str, Entrant]:
    """Return what identifies each challenger, in the order of params.yaml.

    Args:
        params: of the night, with a carried champion's recipe.
        champion: of the night; None for the popular list.
    """
    measured, against = _measured(params), _name_and_definition(params, champion)
    return {
        name: Entrant(pair=digest([against[1], each, measured])[:12], definition=digest([each, measured])[:12])
        for name, each in definitions(params).items()
        if name != against[0]
    }


def memory_key(params: Params, champion: ChampionDefinition | None) -> str:
    """Return a digest of the champion and of how it is measured: the refresh lane's memory begins anew with another."""
    return digest([_name_and_definition(params, champion)[1], _measured(params)])[:12]


def _name_and_definition(params: Params, champion: ChampionDefinition | None) -> tuple[str, str]:
    if champion is None:
        return FALLBACK_RECIPE, definitions(params)[FALLBACK_RECIPE]
    return champion.name, champion.definition


def _measured(params: Params) -> Json:
    measured: Json = params.model_dump(mode="json", include={"interactions", "split", "evaluation"})
    return measured


def _followed(params: Params, name: str) -> list[Json]:
    recipe = params.recipes[name]
    members = recipe.member_recipes if isinstance(recipe, EnsembleParams) else ()
    return [each.model_dump(mode="json") for each in (recipe, *members)]


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
            "params": params.model_dump(mode="json", exclude={"monitoring", "experiments"}),
            **landing,
            **digests({"served": layout.served}),
        }
    )[:24]


def rule_code() -> str:
    """Return the digest of the code that makes a decision from its inputs."""
    return code_digest(make_record.__module__)
