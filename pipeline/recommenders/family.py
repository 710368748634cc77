"""The declaration at the end of each file in families/: what the pipeline must know of a family."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from pipeline.params.base import Frozen
from pipeline.params.split import Target
from pipeline.recommenders.protocol import FoldsIn, Recommender
from pipeline.recommenders.search_space import Space


class FamilyParams(Frozen):
    """A recipe: a family and its hyperparameters. Each family has a subclass whose `family` is its own name."""

    family: str


P = TypeVar("P", bound=FamilyParams)
P_contra = TypeVar("P_contra", bound=FamilyParams, contravariant=True)


class RecommenderClass(Protocol[P_contra]):
    """A class of recommenders, made from a recipe."""

    def __call__(self, recipe: P_contra, /) -> Recommender:
        """Return a recommender that is not fitted."""
        ...

    def load(self, folder: Path) -> Recommender:
        """See `Recommender.load`."""
        ...


@dataclass(frozen=True)
class Hours:
    """Default working hours of a family. `economics` in params.yaml overrides them.

    Attributes:
        upkeep: a year [h / a].
        switching: once, for switching the service to the family [h].
    """

    upkeep: float
    switching: float


@dataclass(frozen=True)
class Reason:
    """How a family's lists are explained.

    Attributes:
        summary: how well the family can explain itself, for the decision page.
        text: the reason given in a list if no item of the listener's own is named.
        names_own_items: whether a reason may name an item that the listener plays. False for families that give every
            listener the same list: their reason is always `text`.
    """

    summary: str
    text: str = "close to what you play"
    names_own_items: bool = True


@dataclass(frozen=True)
class Family(Generic[P]):
    """A family of recommenders.

    Attributes:
        recommender: its class; see `Recommender`.
        params: its hyperparameters.
        stochastic: whether another seed gives another model. Stochastic recipes are fitted `gate.seeds` times.
        reason: how its lists are explained.
        hours: default hours of upkeep and switching.
        runs_in_task: whether an executor may fit it in any process. False if it drives the Spark session itself.
        needs_tuning: whether `fit` reads `interactions.tuning`.
        needs_royalties: whether `fit` reads `interactions.royalties`.
        needs_order: whether `fit` reads `interactions.order`, which is kept with `interactions.order: true` alone.
        needs_target: the `split.target` without which its lists would be empty, `any` standing for `mixed` too; None if
            it works with all.
        search_space: what `netgain tune` searches; empty if it is not tuned.
        start: the recipe a search starts from if params.yaml has none of the family.
    """

    recommender: RecommenderClass[P]
    params: type[P]
    stochastic: bool
    reason: Reason
    hours: Hours
    runs_in_task: bool = True
    needs_tuning: bool = False
    needs_royalties: bool = False
    needs_order: bool = False
    needs_target: Target | None = None
    search_space: Space = field(default_factory=dict)
    start: P | None = None

    @property
    def folds_in(self) -> bool:
        """Whether fitted models can take new listeners and plays: the class has `fold_in`. See `FoldsIn`."""
        return isinstance(self.recommender, type) and issubclass(self.recommender, FoldsIn)
