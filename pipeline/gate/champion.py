"""The champion is a definition: family, hyperparameters and the family's code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class ChampionDefinition:
    """The champion as it was chosen, where tonight's recipe of its name is defined otherwise or is gone."""

    recipe: str
    """Its name when it was chosen."""
    definition: str
    """Digest of its family, hyperparameters and code."""
    carried_as: str | None = None
    """Name of the recipe that the night adds for it; None if none is needed."""
    frozen: bool = False
    """Whether the family's code has changed, so that it cannot be fitted again: the served model stands for it."""

    @property
    def name(self) -> str:
        """Return the name under which it is compared tonight."""
        return self.carried_as or (f"{self.recipe}@champion" if self.frozen else self.recipe)
