"""Linear models from items to items, in closed form."""

import math
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from pydantic import Field

from pipeline.errors import RecipeError
from pipeline.metrics.ranking import top_k
from pipeline.params.base import Count, Positive
from pipeline.recommenders.family import Family, FamilyParams, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.neighbours import FoldingNeighbourModel, as_rows, empty
from pipeline.recommenders.search_space import OneOf, Real
from pipeline.recommenders.single_threaded import single_threaded_blas
from pipeline.recommenders.weighting import played

ROWS = 256
"""Rows of the item-item matrix that are processed at once: their copies take some ten megabytes."""

Matrix = npt.NDArray[np.float32]


class EaseParams(FamilyParams):
    """A linear item-item model in closed form: EASE, and with dropout EDLAE and DLAE."""

    family: Literal["ease"] = "ease"
    regularization: Positive
    """λ, added to the diagonal of the item-item matrix."""
    dropout: Annotated[float, Field(ge=0, lt=1)]
    """p, share of a listener's items that are hidden, in expectation; 0 for no dropout."""
    diagonal: Literal["zero", "free"]
    """`zero`: no item votes for itself (EASE, and EDLAE with dropout). `free`: only dropout prevents it (DLAE)."""
    neighbours: Count | None = None
    """Strongest positive weights kept for each item; if left out, all weights are kept, negative ones too."""
    max_memory_bytes: Count = 4_000_000_000
    """Limit [B] of the matrix, which takes 4 · items²: 31,622 items by default. Larger catalogues are refused."""


class Ease(FoldingNeighbourModel[EaseParams]):
    """The item-item regression X ≈ X·B, prevented from learning the identity: EASE (Steck, WWW 2019) and its dropout
    variants EDLAE and DLAE (Steck, "Autoencoders that don't overfit towards the identity", NeurIPS 2020).

    X is binary: what a listener has played, not how often. B minimises ‖X − X·B‖² + Σ_i Λ_i ‖B_i‖² with Λ_i = λ +
    p / (1 − p) · (item i's listeners), the effect of hiding a share p of X at random. With a diagonal of zeros B = I −
    C · diag(1 / diag C), with a free one B = I − C · diag Λ, for C = (XᵀX + diag Λ)⁻¹. All steps work in
    place on one float32 matrix of n_items².
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. Nothing is drawn from `rng`.

        Raises:
            RecipeError: the matrix would take more memory than the recipe allows, or cannot be inverted.
        """
        recipe = self.recipe
        check_memory(interactions.n_items, limit=recipe.max_memory_bytes)
        self.profiles, self.similarity = (
            self._profiles(interactions.weights),
            empty(0),
        )  # frees the previous fit's matrix: two would not fit
        with single_threaded_blas():
            matrix = co_listeners(self.profiles)
            penalty = recipe.regularization + recipe.dropout / (1 - recipe.dropout) * matrix.diagonal()
            np.fill_diagonal(matrix, matrix.diagonal() + penalty)
            invert(matrix)
        matrix *= -penalty if recipe.diagonal == "free" else -1 / matrix.diagonal()
        np.fill_diagonal(matrix, matrix.diagonal() + 1 if recipe.diagonal == "free" else 0)
        self.similarity = matrix if recipe.neighbours is None else strongest(matrix, k=recipe.neighbours)
        return self

    def _profiles(self, weights: sp.csr_matrix) -> sp.csr_matrix:
        return played(weights)


def check_memory(n_items: int, *, limit: int) -> None:
    """Check that a matrix of n_items² float32 stays below a limit [B].

    Raises:
        RecipeError: it does not.
    """
    if 4 * n_items**2 > limit:
        raise RecipeError(
            f"ease on {n_items:,} items, whose matrix needs {4 * n_items**2 / 1e9:,.1f} GB",
            expected=f"at most {limit / 1e9:,.1f} GB, {math.isqrt(limit // 4):,} items (the recipe's max_memory_bytes)",
            fix="Raise interactions.min_listeners_per_item, give it more memory, or take another family.",
        )


def co_listeners(plays: sp.csr_matrix) -> Matrix:
    """Count the listeners that each two items have in common: float32 of shape (n_items, n_items), exact up to 2²⁴."""
    n_items = plays.shape[1]
    common, by_item = np.empty((n_items, n_items), dtype=np.float32), sp.csr_matrix(plays.T)
    for start in range(0, n_items, ROWS):
        (by_item[start : start + ROWS] @ plays).toarray(out=common[start : start + ROWS])
    return common


def invert(matrix: Matrix) -> None:
    """Invert a symmetric positive definite matrix in place, by Cholesky on one of its triangles.

    Raises:
        RecipeError: it is numerically singular.
    """
    from scipy.linalg.lapack import spotrf, spotri

    if not len(matrix):
        return
    # LAPACK is column-major: its lower triangle is the upper one of a row-major array.
    _, failed = spotrf(matrix.T, lower=1, clean=0, overwrite_a=1)
    failed = failed or spotri(matrix.T, lower=1, overwrite_c=1)[1]
    if failed:
        raise RecipeError(
            "ease: an item-item matrix that has no inverse in float32",
            expected="items that λ keeps apart",
            fix="Raise the recipe's regularization.",
        )
    for start in range(0, len(matrix), ROWS):
        stop = min(start + ROWS, len(matrix))
        square = np.triu(matrix[start:stop, start:stop])
        matrix[start:stop, start:stop] = square + np.triu(square, 1).T
        matrix[stop:, start:stop] = matrix[start:stop, stop:].T


def strongest(matrix: Matrix, *, k: int) -> sp.csr_matrix:
    """Return the k largest positive entries of each row, as CSR float32; ties go to the lower column."""
    blocks = (matrix[start : start + ROWS] for start in range(0, len(matrix), ROWS))
    kept = [as_rows(top_k(np.where(block > 0, block, -np.inf), k=min(k, len(matrix))), len(matrix)) for block in blocks]
    return sp.csr_matrix(sp.vstack(kept)) if kept else sp.csr_matrix(matrix)


FAMILY = Family(
    Ease,
    EaseParams,
    stochastic=False,
    reason=Reason("weights between items; the nearest are given as reasons"),
    hours=Hours(upkeep=8, switching=4),
    search_space={
        "regularization": Real(1.0, 1000.0, log=True),
        "dropout": Real(0.0, 0.8),
        "diagonal": OneOf(("zero", "free")),
    },
    start=EaseParams(regularization=50.0, dropout=0.5, diagonal="free", neighbours=200),
)
