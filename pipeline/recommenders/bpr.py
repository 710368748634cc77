"""Matrix factorisation that learns to rank what was played above what was not."""

from typing import Self

import numpy as np

from pipeline.core.interactions import Interactions
from pipeline.params import BprRecipe
from pipeline.recommenders.factors import FactorModel
from pipeline.recommenders.weighting import played


class Bpr(FactorModel[BprRecipe]):
    """Bayesian personalised ranking (Rendle, Freudenthaler, Gantner & Schmidt-Thieme, UAI 2009) in `implicit`.

    Steps of stochastic gradients on ln σ(⟨u, v_played⟩ − ⟨u, v_other⟩). The played pair is drawn from all interactions,
    however often it was played; the other item likewise, so by its number of listeners (the paper draws it evenly), and
    what the listener has played is no other. An item's bias is its last factor, against a 1 of each listener's. Steps
    of several threads overwrite each other, so a fit runs on one.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors and all pairs follow a seed drawn from `rng`."""
        from implicit.cpu.bpr import BayesianPersonalizedRanking

        # A new object each time: implicit's own would start from the factors of the fit before.
        solver = BayesianPersonalizedRanking(
            factors=self.recipe.factors,
            learning_rate=self.recipe.learning_rate,
            regularization=self.recipe.regularization,
            iterations=self.recipe.iterations,
            verify_negative_samples=True,
            num_threads=1,
            random_state=int(rng.integers(2**31)),
        )
        self._fit_with(solver, played(interactions.weights))
        return self
