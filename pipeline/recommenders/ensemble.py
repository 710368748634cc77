"""Recipes that are made of other recipes."""

from typing import Annotated, Self

from pydantic import Field, field_validator

from pipeline.params.base import RecipeName
from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.registry import FAMILIES, AnyRecipe


class EnsembleParams(FamilyParams):
    """The members of an ensemble: recipes of params.yaml, by name."""

    members: Annotated[tuple[RecipeName, ...], Field(strict=False, min_length=2, max_length=5)]
    """Names of other recipes in params.yaml. (Not strict: YAML has lists, no tuples.)"""
    member_recipes: Annotated[tuple[AnyRecipe, ...], Field(strict=False)] = ()
    """Their hyperparameters, in the order of `members`. Filled in when params.yaml is loaded, so that a saved model
    records them."""

    @field_validator("members")
    @classmethod
    def _distinct(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(members)) < len(members):
            raise ValueError("members are named once each")
        return members

    @field_validator("member_recipes")
    @classmethod
    def _able(cls, recipes: tuple[FamilyParams, ...]) -> tuple[FamilyParams, ...]:
        for recipe in recipes:
            if not can_be_member(recipe):
                raise ValueError(f"the family {recipe.family} cannot be part of an ensemble")
        return recipes

    def with_members(self, recipes: tuple[FamilyParams, ...]) -> Self:
        """Return this recipe with its members' hyperparameters."""
        return self.model_copy(update={"member_recipes": recipes})


def can_be_member(recipe: FamilyParams) -> bool:
    """Return whether a recipe can be part of an ensemble: it is fitted in a task and is not an ensemble itself."""
    return FAMILIES[recipe.family].runs_in_task and not isinstance(recipe, EnsembleParams)
