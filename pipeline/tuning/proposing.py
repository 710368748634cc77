"""What to try next, by Optuna."""

from typing import TYPE_CHECKING, Any

from pipeline.recommenders.family import FamilyParams
from pipeline.recommenders.search_space import Dimension, OneOf, Space, Value, Whole

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

GIVE_UP_AFTER = 50
"""Proposals on end that were tried before: few values are left, if any."""


class Proposer:
    """Recipes by the tree-structured Parzen estimator (Bergstra, Bardenet, Bengio & Kégl 2011).

    It draws from its seed and from what it was told, in that order, and from nothing else: asked and told the same
    again, it proposes the same again. So a search that was killed is taken up by going through it once more with the
    results that are kept (docs/adr/0011).
    """

    def __init__(self, space: Space, like: FamilyParams, *, seed: int) -> None:
        """Args:
        like: what proposals take those fields from that are not searched.
        """
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        # Of trials side by side the later ones take the earlier for bad (`constant_liar`): they keep apart.
        sampler = optuna.samplers.TPESampler(seed=seed, multivariate=True, constant_liar=True)
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._space, self._like = space, like
        self._distributions = {field: _distribution(dimension) for field, dimension in space.items()}
        self._asked: dict[FamilyParams, Any] = {}
        self._values: dict[FamilyParams, float] = {}

    def ask(self, n: int) -> list[FamilyParams]:
        """Up to n recipes that differ from each other and from all before; fewer where hardly any are left."""
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
        """What a recipe came to, whoever proposed it. One outside the space is only remembered."""
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
