"""Implicit-feedback matrix factorisation by alternating least squares."""

from contextlib import suppress
from typing import Any, Self

import numpy as np
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.params import AlsRecipe
from pipeline.recommenders.factors import FactorModel
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.single_threaded import one_thread
from pipeline.recommenders.weighting import damped


class Als(FactorModel[AlsRecipe]):
    """Hu, Koren & Volinsky (2008), solved by conjugate gradients (Takács, Pilászy & Tikk 2011) in `implicit`.

    An observed item has the confidence 1 + α · log(1 + weight), any other 1. The order in which threads add up is part
    of a factor's last bits, so a fit runs on one thread; several fits share the machine.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors are drawn from `rng`."""
        from implicit.recommender_base import ModelFitError

        with one_thread():
            # A new object each time: implicit's own would start from the factors of the fit before.
            solver = self._solver(random_state=int(rng.integers(2**31)))
            with suppress(ModelFitError):  # factors that are not finite, which `_keep` refuses for all families
                solver.fit(damped(interactions.weights), show_progress=False)
        self._keep(solver.user_factors, solver.item_factors)
        return self

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. A fit's last step but one for the listeners, against its last items, and exact: a
        Cholesky decomposition for each row, where a fit has three steps of conjugate gradients.

        Raises:
            RecipeError: a row's system is singular.
        """
        folded = type(self)(self.recipe)
        with one_thread():
            solver = self._solver()
            solver.item_factors = self.item_factors
            try:
                rows = solver.recalculate_user(np.arange(weights.shape[0]), damped(weights))
            except ValueError as err:
                raise RecipeError(
                    f"als: {err}", expected="a system with one solution", fix="Raise the recipe's regularization."
                ) from err
        folded._keep(rows, self.item_factors)
        return folded

    def _solver(self, random_state: int | None = None) -> Any:
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.recipe.factors,
            regularization=self.recipe.regularization,
            alpha=self.recipe.confidence,
            iterations=self.recipe.iterations,
            num_threads=1,
            random_state=random_state,
        )
