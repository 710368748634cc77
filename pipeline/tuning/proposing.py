"""Proposes the next trials, with Optuna."""

from typing import TYPE_CHECKING, Any

from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.search_space import Dimension, OneOf, Space, Value, Whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

GIVE_UP_AFTER = 50
"""The number of consecutive repeated proposals after which the space counts as exhausted."""


class Proposer:
    """Recipes by the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio & Kégl 2011).

    The proposals depend on the seed and on the sequence of calls of `ask` and `tell` alone. A search that was killed is
    therefore resumed by repeating the calls with the cached results (docs/adr/0011).
    """

    def __init__(self, space: Space, like: FamilyParams, *, seed: int) -> None:
        """Create a sampler.

        Args:
            space: the searched fields.
            like: the recipe from which proposals take the fields that are not searched.
            seed: seed of the sampler.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # Among parallel trials, later ones take running ones for bad (`constant_liar`), so that they spread out.
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._space, self._like = space, like
        self._distributions = {field: _distribution(dimension) for field, dimension in space.items()}
        self._asked: dict[FamilyParams, Any] = {}
        self._values: dict[FamilyParams, float] = {}

    def ask(self, n: int) -> list[FamilyParams]:
        """Return up to n recipes that differ from each other and from all before; fewer if the space is exhausted."""
        from optuna.trial import TrialState

        found: list[FamilyParams] = []
        repeats = 0
        while len(found) < n and repeats < GIVE_UP_AFTER:
            trial = self._study.ask(self._distributions)
            recipe = self._recipe(trial.params)
            if recipe in self._values:
                self._study.tell(trial, self._values[recipe])
                repeats += 1
            elif recipe in self._asked:
                self._study.tell(trial, state=TrialState.FAIL)
                repeats += 1
            else:
                self._asked[recipe] = trial
                found.append(recipe)
                repeats = 0
        return found

    def tell(self, recipe: FamilyParams, value: float) -> None:
        """Report the value of a recipe, proposed or not. A recipe outside the space is only remembered."""
        from optuna.trial import create_trial

        self._values[recipe] = value
        own: dict[str, Value] = {field: getattr(recipe, field) for field in self._space}
        if recipe in self._asked:
            self._study.tell(self._asked.pop(recipe), value)
        elif all(self._space[field].holds(each) for field, each in own.items()):
            self._study.add_trial(create_trial(params=own, distributions=self._distributions, value=value))

    def _recipe(self, proposed: dict[str, Value]) -> FamilyParams:
        rounded = {field: float(f"{v:.3g}") if isinstance(v, float) else v for field, v in proposed.items()}
        fields = self._like.model_dump() | rounded
        return type(self._like).model_validate(fields)


def _distribution(dimension: Dimension) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, OneOf):
        return CategoricalDistribution(dimension.names)
    if isinstance(dimension, Whole):
        return IntDistribution(dimension.low, dimension.high, log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)
