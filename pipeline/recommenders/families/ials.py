"""Exact implicit-feedback matrix factorisation, its regularisation scaled by frequency."""

from typing import Annotated, Literal, Self

import numpy as np
import scipy.sparse as sp
from pydantic import Field

from pipeline.params.base import Positive
from pipeline.recommenders.factors import FactorModel, FactorParams, Factors
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.scoring import WRITABLE
from pipeline.recommenders.search_space import Real, Whole
from pipeline.recommenders.single_threaded import single_threaded_blas
from pipeline.recommenders.solving import POSV, SYRK, solve_rows


class IalsParams(FactorParams):
    """Implicit-feedback matrix factorisation, solved exactly, with regularisation scaled by frequency."""

    family: Literal["ials"] = "ials"
    regularization: Positive
    """λ, for each play at ν = 1."""
    exponent: Annotated[float, Field(ge=0, le=1)]
    """ν: a row of n plays is regularised by λ (n + α₀ · n_other)^ν; 0 regularises all rows alike."""
    unobserved: Positive
    """α₀, weight of a pair that was not played; a play weighs about 1."""
    discount: Annotated[float, Field(ge=0, le=1)]
    """A play weighs (item's listeners / their mean)^−discount."""
    start: Positive
    """Approximate length of the factors that a fit starts from."""
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """Alternations between listeners and items."""


class Ials(FactorModel[IalsParams]):
    """iALS as in "Revisiting the Performance of iALS" (Rendle, Krichene, Zhang & Koren, RecSys 2022).

    Minimises Σ over plays w_i (⟨u, v_i⟩ − 1)² + α₀ Σ over all pairs ⟨u, v⟩² + Σ over rows λ_row ‖row‖², where
    λ_row = λ (n_row + α₀ n_other)^ν for a row of n_row plays, and w_i = (item's listeners / their mean)^−discount
    gives a play of a rare item more weight. How often an item was played is not used. Every row is solved exactly.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors are drawn from `rng`."""
        recipe, played = self.recipe, observed(interactions.weights, discount=self.recipe.discount)
        by_item = sp.csr_matrix(played.T)
        scale = np.float32(recipe.start / np.sqrt(recipe.factors))
        listeners, items = (
            (scale * rng.standard_normal((n, recipe.factors), dtype=np.float32)) for n in interactions.weights.shape
        )
        with single_threaded_blas():
            for _ in range(recipe.iterations):
                project(played, items, into=listeners, recipe=recipe)
                project(by_item, listeners, into=items, recipe=recipe)
        self._keep(listeners, items)
        return self

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. Repeats a fit's step for the listeners, against the fitted items; the weight of a play
        follows from how many of these listeners have the item."""
        folded, rows = type(self)(self.recipe), np.zeros((weights.shape[0], self.recipe.factors), dtype=np.float32)
        with single_threaded_blas():
            project(observed(weights, discount=self.recipe.discount), self.item_factors, into=rows, recipe=self.recipe)
        folded._keep(rows, self.item_factors)
        return folded


def observed(weights: sp.csr_matrix, *, discount: float) -> sp.csr_matrix:
    """Return the weight of each play: CSR float32 of the shape of `weights`, by the item's number of listeners."""
    n_listeners = np.bincount(weights.indices, minlength=weights.shape[1])
    relative = n_listeners / n_listeners[n_listeners > 0].mean() if weights.nnz else n_listeners
    by_item = np.where(n_listeners > 0, np.maximum(relative, np.finfo(np.float32).tiny) ** -discount, 0)
    data = by_item.astype(np.float32)[weights.indices]
    return sp.csr_matrix((data, weights.indices.copy(), weights.indptr.copy()), shape=weights.shape)


def gramian(factors: Factors) -> Factors:
    """Return Σ of the outer products of all rows: float32 of shape (factors, factors)."""
    return factors.T @ factors


def project(played: sp.csr_matrix, fixed: Factors, *, into: Factors, recipe: IalsParams) -> None:
    """Solve for each row of `played`, given the other side's factors, and write the rows to `into`; zeros for a row
    without plays.

    In the eigenbasis of the gramian the unobserved part is diagonal, so a row of n plays needs a system of n unknowns
    only, and most rows have few.
    """
    spread, axes = np.linalg.eigh(gramian(fixed))
    n_plays = np.diff(played.indptr)
    penalty = recipe.regularization * (n_plays + recipe.unobserved * len(fixed)) ** recipe.exponent
    solve_rows(
        SYRK,
        POSV,
        np.require(played.indptr, np.int64, WRITABLE),
        np.require(played.indices, np.int32, WRITABLE),
        np.require(played.data, np.float32, WRITABLE),
        fixed @ axes,
        (recipe.unobserved * np.maximum(spread, 0)).astype(np.float32),
        penalty.astype(np.float32),
        into,
    )
    into[:] = into @ axes.T


FAMILY = Family(
    Ials,
    IalsParams,
    stochastic=True,
    reason=Reason("hidden factors; similar items are given as reasons"),
    hours=Hours(upkeep=20, switching=8),
    search_space={
        "factors": Whole(16, 256, log=True, cost_power=1.5),
        "regularization": Real(0.001, 1.0, log=True),
        "exponent": Real(0.0, 1.0),
        "unobserved": Real(0.01, 1.0, log=True),
        "discount": Real(0.0, 0.5),
        "iterations": Whole(4, 16, log=True, cost_power=1),
    },
    # The values that Rendle et al. tuned on LastFM, at a size that a night affords.
    start=IalsParams(
        factors=64, regularization=0.01, exponent=0.75, unobserved=0.0875, discount=0.15, start=0.1, iterations=12
    ),
)
