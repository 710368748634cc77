"""The closed forms of Steck (2019, 2020), worked out in float64."""

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import RecipeError
from pipeline.recommenders.families import ease
from pipeline.recommenders.families.ease import EaseParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build
from pipeline.recommenders.storage import load_recommender

RNG = np.random.default_rng(0)
PLAYED = sp.csr_matrix(RNG.random((300, 50)) < 0.2, dtype=np.float32)


def fit(plays=PLAYED, *, regularization=5.0, dropout=0.0, diagonal="zero", **more):
    recipe = EaseParams(
        family="ease", regularization=regularization, dropout=dropout, diagonal=diagonal, **more
    )  # fmt: skip
    matrix = sp.csr_matrix(plays, dtype=np.float32)
    return build(recipe).fit(Interactions(matrix, np.zeros(matrix.nnz, dtype=np.int32)), rng=RNG)


def test_two_items_by_hand():
    """Both items have two listeners, one in common, and λ = 1: XᵀX + λ = [[3, 1], [1, 3]], of the inverse [[3, −1],
    [−1, 3]] / 8, so each speaks for the other with −(−1/8) / (3/8)."""
    model = fit([[1, 1], [1, 0], [0, 1]], regularization=1.0)
    np.testing.assert_allclose(model.similarity, [[0, 1 / 3], [1 / 3, 0]], rtol=1e-6)
    lists = model.recommend(np.array([0, 1], dtype=np.int32), k=2)
    assert lists.items.tolist() == [[0, 1], [1, -1]]
    np.testing.assert_allclose(lists.scores, [[1 / 3, 1 / 3], [1 / 3, np.nan]], rtol=1e-6)


def test_how_often_something_was_played_is_not_used():
    more = PLAYED.copy()
    more.data[:] = RNG.uniform(0.1, 100, more.nnz)
    np.testing.assert_array_equal(fit(more).similarity, fit().similarity)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
@pytest.mark.parametrize("rows", [7, 256])
def test_with_a_diagonal_of_zeros_it_is_the_minimum_under_that_constraint(dropout, rows, monkeypatch):
    """Column by column: least squares of an item on all others."""
    monkeypatch.setattr(ease, "ROWS", rows)
    found, x = fit(dropout=dropout).similarity, PLAYED.toarray().astype(np.float64)
    penalty = 5.0 + dropout / (1 - dropout) * x.sum(axis=0)
    for item in range(x.shape[1]):
        others = np.delete(np.arange(x.shape[1]), item)
        left = x[:, others].T @ x[:, others] + np.diag(penalty[others])
        expected = np.linalg.solve(left, x[:, others].T @ x[:, item])
        np.testing.assert_allclose(found[others, item], expected, rtol=0, atol=2e-6)
        assert found[item, item] == 0


def test_with_a_free_diagonal_it_is_the_ridge_regression_of_all_items():
    x = PLAYED.toarray().astype(np.float64)
    gram = x.T @ x
    expected = np.linalg.solve(gram + np.diag(5.0 + 0.4 / (1 - 0.4) * np.diag(gram)), gram)
    np.testing.assert_allclose(fit(dropout=0.4, diagonal="free").similarity, expected, rtol=0, atol=2e-6)


def test_the_dropout_penalty_is_the_mean_loss_over_items_hidden_at_random():
    """Steck (2020): hiding a share p at random and scaling the rest by 1 / (1 − p) costs on average what the penalty
    p / (1 − p) · Σ_i n_i ‖B_i‖² does."""
    x, p, rng = PLAYED.toarray().astype(np.float64), 0.4, np.random.default_rng(1)
    b = fit(dropout=p, diagonal="free").similarity.astype(np.float64)
    losses = [np.sum((x - (x * (rng.random(x.shape) > p) / (1 - p)) @ b) ** 2) for _ in range(400)]
    expected = np.sum((x - x @ b) ** 2) + p / (1 - p) * np.sum(x.sum(axis=0) * np.sum(b**2, axis=1))
    assert np.mean(losses) == pytest.approx(expected, abs=4 * np.std(losses) / np.sqrt(len(losses)))


def test_the_strongest_of_each_row_are_kept(tmp_path):
    dense = fit(dropout=0.4).similarity
    kept = fit(dropout=0.4, neighbours=3)
    for row, few in zip(dense, kept.similarity.toarray(), strict=True):
        best = [item for item in np.argsort(-row, kind="stable") if row[item] > 0][:3]
        assert np.flatnonzero(few).tolist() == sorted(best)
        np.testing.assert_array_equal(few[best], row[best])
    kept.save(tmp_path)
    assert (load_recommender(tmp_path).similarity != kept.similarity).nnz == 0


def test_scores_are_sums_of_what_is_said_for_and_against():
    model = fit()
    lists = model.recommend(np.arange(300, dtype=np.int32), k=50)
    scores = PLAYED.toarray().astype(np.float64) @ model.similarity.astype(np.float64)
    for items, found, expected in zip(lists.items, lists.scores, scores, strict=True):
        assert (items >= 0).sum() == pytest.approx((expected > 0).sum(), abs=1)  # but for rounding at 0
        np.testing.assert_allclose(found[items >= 0], expected[items[items >= 0]], rtol=0, atol=1e-5)


def test_a_catalogue_beyond_memory_is_refused_before_anything_is_made():
    plays = sp.csr_matrix(([1.0], ([0], [99_999])), shape=(1, 100_000))
    with pytest.raises(RecipeError) as caught:
        fit(plays)
    said = str(caught.value)
    assert "ease on 100,000 items, whose matrix needs 40.0 GB" in said  # 4 · 10¹⁰ bytes
    assert "at most 4.0 GB, 31,622 items" in said  # the root of 10⁹
    assert "interactions.min_listeners_per_item" in said
    fit([[1, 1]], max_memory_bytes=4 * 2**2)
    with pytest.raises(RecipeError, match="2 items"):
        fit([[1, 1]], max_memory_bytes=4 * 2**2 - 1)


def test_a_matrix_without_an_inverse_is_refused():
    alike = np.ones((100_000, 2))
    with pytest.raises(RecipeError, match="Raise the recipe's regularization"):
        fit(alike, regularization=1e-9)
