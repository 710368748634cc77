import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.recommenders.families.ials import IalsParams, observed, project


@pytest.mark.parametrize("factors", [3, 30])  # fewer than a row's plays, and more
def test_each_row_solves_the_weighted_least_squares_of_its_plays_and_of_all_else(factors):
    recipe = IalsParams(
        family="ials", factors=factors, regularization=0.2, exponent=0.5, unobserved=0.1, discount=0.15, start=0.1,
        iterations=1,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    weights = sp.csr_matrix(rng.random((6, 20)) < 0.5, dtype=np.float32)
    weights.data[:] = rng.uniform(0.5, 2, weights.nnz)
    fixed, found = rng.normal(size=(20, factors)).astype(np.float32), np.empty((6, factors), dtype=np.float32)
    project(weights, fixed, into=found, recipe=recipe)
    v = fixed.astype(np.float64)
    for row, w in zip(found, weights.toarray().astype(np.float64), strict=True):
        penalty = 0.2 * ((w > 0).sum() + 0.1 * 20) ** 0.5
        left = 0.1 * v.T @ v + v.T @ (w[:, None] * v) + penalty * np.eye(factors)
        np.testing.assert_allclose(row, np.linalg.solve(left, v.T @ w), rtol=0, atol=1e-4)


def test_a_play_of_a_rare_item_weighs_more():
    plays = sp.csr_matrix(np.array([[1, 1], [1, 0], [1, 0]], dtype=np.float32))  # 3 listeners and 1: a mean of 2
    np.testing.assert_allclose(
        observed(plays, discount=0.5).toarray()[0], [(3 / 2) ** -0.5, (1 / 2) ** -0.5], rtol=1e-6
    )
