"""Implicit-feedback matrix factorisation by alternating least squares."""

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from pipeline.errors import RecipeError
from pipeline.params.base import NonNegative, Positive
from pipeline.recommenders.factors import FactorModel, FactorParams
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.search_space import Real, Whole
from pipeline.recommenders.single_threaded import single_threaded_blas
from pipeline.recommenders.weighting import damped

if TYPE_CHECKING:
    from implicit.cpu.als import AlternatingLeastSquares


class AlsParams(FactorParams):
    """Alternating least squares by `implicit`."""

    family: Literal["als"] = "als"
    regularization: NonNegative
    """λ, of the loss as a whole: what suits many interactions can drive the factors of few to zero."""
    confidence: Positive
    """α of Hu, Koren & Volinsky (2008): confidence = 1 + α · log(1 + weight)."""
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """Alternations between listeners and items."""


class Als(FactorModel[AlsParams]):
    """Hu, Koren & Volinsky (2008), solved by conjugate gradients (Takács, Pilászy & Tikk 2011) in `implicit`.

    The confidence of an observed item is 1 + α · log(1 + weight), that of any other 1. A fit runs on one thread, since
    the order in which threads add up changes the last bits of the factors; several fits share the machine.
    """

    _folding: "AlternatingLeastSquares | None" = None
    """Keeps the items' Gram matrix, which takes most of the time that folding in a single listener takes."""

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors are drawn from `rng`."""
        from implicit.recommender_base import ModelFitError

        self._folding = None
        with single_threaded_blas():
            # A new object for each fit: implicit's would start from the factors of its previous fit.
            solver = self._solver(random_state=int(rng.integers(2**31)))
            with suppress(
                ModelFitError
            ):  # raised for factors that are not finite; `_keep` refuses those, for all families
                solver.fit(damped(interactions.weights), show_progress=False)
        self._keep(solver.user_factors, solver.item_factors)
        return self

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Solves each listener's system against the fitted items, exactly: by a Cholesky
        decomposition, where a fit takes three steps of conjugate gradients.

        Raises:
            RecipeError: a listener's system is singular.
        """
        folded = type(self)(self.recipe)
        with single_threaded_blas():
            if self._folding is None:
                self._folding = self._solver()
                self._folding.item_factors = self.item_factors
            try:
                rows = self._folding.recalculate_user(np.arange(weights.shape[0]), damped(weights))
            except ValueError as err:
                raise RecipeError(
                    f"als: {err}", expected="a system with one solution", fix="Raise the recipe's regularization."
                ) from err
        folded._keep(rows, self.item_factors)
        return folded

    def _solver(self, random_state: int | None = None) -> "AlternatingLeastSquares":
        from implicit.cpu.als import AlternatingLeastSquares

        return AlternatingLeastSquares(
            factors=self.recipe.factors,
            regularization=self.recipe.regularization,
            alpha=self.recipe.confidence,
            iterations=self.recipe.iterations,
            num_threads=1,
            random_state=random_state,
        )


FAMILY = Family(
    Als,
    AlsParams,
    stochastic=True,
    reason=Reason("hidden factors; similar items are given as reasons"),
    hours=Hours(upkeep=20, switching=8),
    search_space={
        "factors": Whole(16, 128, log=True, cost_power=1),
        "regularization": Real(0.1, 100.0, log=True),
        "confidence": Real(0.3, 30.0, log=True),
        "iterations": Whole(5, 30, log=True, cost_power=1),
    },
    start=AlsParams(factors=64, regularization=30.0, confidence=3.0, iterations=15),
)
