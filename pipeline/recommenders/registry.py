"""The registry of families is the folder families/. A family's module is imported when the family is asked for."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, SerializeAsAny

from pipeline.errors import RecipeError
from pipeline.recommenders.family import Family, FamilyParams
from pipeline.recommenders.protocol import Recommender

_FOLDER = Path(__file__).parent / "families"


class _Families(Mapping[str, Family[Any]]):
    """Families by name, which is the name of the file."""

    def __getitem__(self, name: str) -> Family[Any]:
        """Import a family.

        Raises:
            KeyError: there is no such file.
            RecipeError: the file does not declare a family of its own name.
        """
        if name not in self:
            raise KeyError(name)
        module = importlib.import_module(f"pipeline.recommenders.families.{name}")
        family = getattr(module, "FAMILY", None)
        if not isinstance(family, Family):
            raise RecipeError(
                f"families/{name}.py declares no family", expected="FAMILY = Family(…)", fix="See als.py beside it."
            )
        if family.params.model_fields["family"].default != name:
            raise RecipeError(
                f"the parameters of families/{name}.py have another name",
                expected=f'family: Literal["{name}"] = "{name}"',
                fix="Name the field and the file alike.",
            )
        return family

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in set(self)

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(file.stem for file in _FOLDER.glob("*.py") if not file.stem.startswith("_")))

    def __len__(self) -> int:
        return sum(1 for _ in self)


FAMILIES: Mapping[str, Family[Any]] = _Families()
"""Every family by name. Iterating lists the folder and imports nothing."""


def parse_recipe(raw: object) -> FamilyParams:
    """Return a recipe from its fields, as its family's parameters. Only that family is imported.

    Raises:
        ValueError: `raw` is no mapping, or names no family.
        pydantic.ValidationError: a field is unknown, missing or out of range.
    """
    if isinstance(raw, FamilyParams):
        return raw
    if not isinstance(raw, Mapping):
        raise ValueError("a recipe is a mapping with a family and its hyperparameters")
    name = raw.get("family")
    if not isinstance(name, str) or name not in FAMILIES:
        raise ValueError(f"family {name!r} is not one of {', '.join(FAMILIES)}")
    found: FamilyParams = FAMILIES[name].params.model_validate(raw)
    return found


AnyRecipe = Annotated[SerializeAsAny[FamilyParams], BeforeValidator(parse_recipe)]
"""A field of a pydantic model that holds a recipe of any family."""


def build(recipe: FamilyParams) -> Recommender:
    """Return a recommender of the recipe's family, not fitted."""
    return FAMILIES[recipe.family].recommender(recipe)
