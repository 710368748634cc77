"""night/champion.yaml: what the gate chose last. It stays champion until it is beaten."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.configuration import Params, with_hours, with_recipe
from pipeline.errors import ParamsError
from pipeline.gate.champion import ChampionDefinition, carried_name, is_carried, own_name
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import parse_recipe
from pipeline.stages.definitions import definition_of, hyperparameters
from pipeline.storage.tables import write_text


@dataclass(frozen=True)
class Standing:
    """The content of night/champion.yaml.

    Attributes:
        recipe: the champion's name, see `ChampionDefinition`.
        definition: its digest.
        frozen: whether it cannot be fitted again.
        parameters: its family and hyperparameters, as in params.yaml, with `member_recipes` for a blend; None for a
            frozen one that this code cannot read.
    """

    recipe: str
    definition: str
    frozen: bool
    parameters: dict[str, Any] | None


def write_champion(path: Path, champion: Standing | None) -> None:
    """Write night/champion.yaml: `{}` without a champion."""
    write_text(path, yaml.safe_dump({} if champion is None else asdict(champion), sort_keys=False))


def read_champion(path: Path, params: Params) -> tuple[Params, ChampionDefinition | None]:
    """Return the parameters of a night with the champion's recipe among them, and the champion.

    The recipe is added if params.yaml has another one under its name, or none: whatever is entered there since the
    gate chose, even after the night was opened, is a challenger.

    Args:
        path: night/champion.yaml; a missing one, as before the first night, is no champion.
        params: those of params.yaml.

    Raises:
        ParamsError: the file is damaged.
    """
    found = _read(path)
    if found is None:
        return params, None
    champion, recipe = found
    if recipe is None:
        return params, champion
    if champion.frozen:
        return with_hours(params, recipe.family), champion
    tonights = params.recipes.get(champion.recipe)
    if tonights is not None and hyperparameters(tonights) == hyperparameters(recipe):
        return params, champion
    name = carried_name(champion.recipe)
    return with_recipe(params, name, recipe), ChampionDefinition(champion.recipe, champion.definition, name)


def on_record(params: Params, champion: ChampionDefinition | None, chosen: str) -> dict[str, Any]:
    """Return what the ledger keeps of what the gate chose, by which later nights know it again.

    Args:
        params: of the night, with the carried recipe.
        champion: of the night.
        chosen: a name among tonight's recipes, or that of a frozen champion.

    Returns:
        `gate_recipe`, the name in params.yaml; `definition`; `gate_parameters`, family and hyperparameters, None for a
        frozen champion: the model that is served has them.
    """
    known = {"gate_recipe": own_name(chosen)}
    if champion is not None and is_carried(chosen) and chosen not in params.recipes:
        return {**known, "definition": champion.definition, "gate_parameters": None}
    recipe = params.recipes[chosen]
    return {**known, "definition": definition_of(recipe), "gate_parameters": recipe.model_dump(mode="json")}


def _read(path: Path) -> tuple[ChampionDefinition, FamilyParams | None] | None:
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        if raw == {}:
            return None
        champion = ChampionDefinition(str(raw["recipe"]), str(raw["definition"]), frozen=bool(raw["frozen"]))
        return champion, None if champion.frozen and raw["parameters"] is None else parse_recipe(raw["parameters"])
    except FileNotFoundError:
        return None
    except (yaml.YAMLError, OSError, KeyError, TypeError, ValueError) as err:
        raise ParamsError(
            f"{path} names no champion: {' '.join(str(err).split())[:200]}",
            expected="recipe, definition, frozen and parameters, or {}",
            fix="Open the night again.",
        ) from err
