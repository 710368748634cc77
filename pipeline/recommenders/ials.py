"""Exact implicit-feedback matrix factorisation, its regularisation scaled by frequency."""

from typing import Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.params import IalsRecipe
from pipeline.recommenders.factors import FactorModel
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.scoring import WRITABLE
from pipeline.recommenders.single_threaded import one_thread
from pipeline.recommenders.solving import POSV, SYRK, solve_rows

Factors = npt.NDArray[np.float32]


class Ials(FactorModel[IalsRecipe]):
    """iALS as "Revisiting the Performance of iALS" has it (Rendle, Krichene, Zhang & Koren, RecSys 2022).

    Minimises Σ over plays w_i (⟨u, v_i⟩ − 1)² + α₀ Σ over all pairs ⟨u, v⟩² + Σ over rows λ_row ‖row‖², where
    λ_row = λ (n_row + α₀ n_other)^ν for a row of n_row plays, and w_i = (item's listeners / their mean)^−discount
    gives a play of a rare item more to say. How often an item was played is not used. Every row is solved exactly.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors are drawn from `rng`."""
        recipe, played = self.recipe, observed(interactions.weights, discount=self.recipe.discount)
        by_item = sp.csr_matrix(played.T)
        scale = np.float32(recipe.start / np.sqrt(recipe.factors))
        listeners, items = (
            (scale * rng.standard_normal((n, recipe.factors), dtype=np.float32)) for n in interactions.weights.shape
        )
        with one_thread():
            for _ in range(recipe.iterations):
                project(played, items, into=listeners, recipe=recipe)
                project(by_item, listeners, into=items, recipe=recipe)
        self._keep(listeners, items)
        return self

    def fold_in(self, weights: sp.csr_matrix) -> Self:
        """See `FoldsIn.fold_in`. A fit's step for the listeners, against its last items; what a play weighs follows
        from how many of these listeners have the item."""
        folded, rows = type(self)(self.recipe), np.zeros((weights.shape[0], self.recipe.factors), dtype=np.float32)
        with one_thread():
            project(observed(weights, discount=self.recipe.discount), self.item_factors, into=rows, recipe=self.recipe)
        folded._keep(rows, self.item_factors)
        return folded


def observed(weights: sp.csr_matrix, *, discount: float) -> sp.csr_matrix:
    """What each play weighs: CSR float32 of the shape of `weights`, by the item's number of listeners."""
    n_listeners = np.bincount(weights.indices, minlength=weights.shape[1])
    relative = n_listeners / n_listeners[n_listeners > 0].mean() if weights.nnz else n_listeners
    by_item = np.where(n_listeners > 0, np.maximum(relative, np.finfo(np.float32).tiny) ** -discount, 0)
    data = by_item.astype(np.float32)[weights.indices]
    return sp.csr_matrix((data, weights.indices.copy(), weights.indptr.copy()), shape=weights.shape)


def gramian(factors: Factors) -> Factors:
    """Σ of the outer products of all rows: float32 of shape (factors, factors)."""
    return factors.T @ factors


def project(played: sp.csr_matrix, fixed: Factors, *, into: Factors, recipe: IalsRecipe) -> None:
    """The best row for each row of `played`, given the other side's factors; zeros for a row without plays.

    On the axes of the gramian all that was not played is a diagonal: a row of n plays then needs a system of n unknowns
    alone, and most rows have few.
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
