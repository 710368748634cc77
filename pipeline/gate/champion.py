"""The champion: a definition, not a name. It stays champion until another definition beats it."""

from dataclasses import dataclass

_CARRIED = "-champion"
"""No name in params.yaml has a hyphen (`pipeline.params.base.RECIPE_NAME`), so none can end like this."""


@dataclass(frozen=True)
class ChampionDefinition:
    """What the gate chose last.

    Attributes:
        recipe: its name in the ledger and in releases. params.yaml may have another definition under it, or none.
        definition: a digest of family, hyperparameters and the family's code.
        carried_as: the name under which tonight fits it beside the recipes of params.yaml; None if params.yaml has
            the same definition under `recipe`, or if `frozen`.
        frozen: whether it cannot be fitted again, because its family's code has changed: the served model itself is
            then the champion, and the recipe of its name in params.yaml is a challenger.
    """

    recipe: str
    definition: str
    carried_as: str | None = None
    frozen: bool = False

    @property
    def name(self) -> str:
        """The name under which it is compared tonight; that of a frozen one is no recipe's."""
        return carried_name(self.recipe) if self.frozen else self.carried_as or self.recipe


def carried_name(recipe: str) -> str:
    """Return the name of the champion beside tonight's recipes, one of which may have its own name.

    Examples:
        >>> carried_name("als")
        'als-champion'
    """
    return f"{recipe}{_CARRIED}"


def own_name(recipe: str) -> str:
    """Return the name of a recipe in the ledger and in releases: that of params.yaml, also for a carried one.

    Examples:
        >>> own_name("als-champion"), own_name("als")
        ('als', 'als')
    """
    return recipe.removesuffix(_CARRIED)


def is_carried(recipe: str) -> bool:
    """Return whether a recipe's name is one that `carried_name` gives."""
    return own_name(recipe) != recipe
