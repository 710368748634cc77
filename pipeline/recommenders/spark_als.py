"""Spark ML's alternating least squares, for matrices that no single machine holds."""

from typing import Any, Self

import numpy as np
import pyarrow as pa

from pipeline.errors import RecipeError
from pipeline.params import SparkAlsRecipe
from pipeline.recommenders.factors import FactorModel, Factors
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.weighting import damped


class SparkAls(FactorModel[SparkAlsRecipe]):
    """Hu, Koren & Volinsky (2008) with the regularisation of Zhou et al. (2008), in the active Spark session.

    Confidences are those of `als`. Spark scales the regularisation of each vector by its number of interactions, which
    `als` does not: the two values are not comparable. Lists are made from the collected factors;
    `recommendForAllUsers` costs 30 times the product.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors follow a seed drawn from `rng`.

        Raises:
            RecipeError: no Spark session is active.
        """
        from pyspark.ml.recommendation import ALS

        session = _active_session()
        if not interactions.weights.nnz:  # Spark makes no frame of no rows, and would learn nothing from one
            shapes = ((n, self.recipe.factors) for n in (interactions.n_listeners, interactions.n_items))
            self._keep(*(np.zeros(shape, dtype=np.float32) for shape in shapes))
            return self
        ratings = _ratings(session, interactions, self.recipe.blocks)
        solver = ALS(
            rank=self.recipe.factors,
            maxIter=self.recipe.iterations,
            regParam=self.recipe.regularization,
            alpha=self.recipe.confidence,
            implicitPrefs=True,
            numUserBlocks=self.recipe.blocks,
            numItemBlocks=self.recipe.blocks,
            seed=int(rng.integers(2**31)),
            userCol="listener_idx",
            itemCol="item_idx",
            ratingCol="weight",
        )
        fitted = solver.fit(ratings)
        self._keep(
            _collect(fitted.userFactors, interactions.n_listeners, self.recipe.factors),
            _collect(fitted.itemFactors, interactions.n_items, self.recipe.factors),
        )
        return self


def _active_session() -> Any:
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        raise RecipeError(
            "spark_als without an active Spark session",
            expected="one",
            fix="Unset NETGAIN_ENGINE or set it to auto or spark, or leave the recipe out.",
        )
    return session


def _ratings(session: Any, interactions: Interactions, blocks: int) -> Any:
    """One row an interaction, partitioned by listener and sorted: ALS needs the same input when a task is repeated.

    A row a listener is what travels: Spark's driver takes some hundred bytes for a row, whatever is in it.
    """
    matrix = damped(interactions.weights)
    entries = {"item_idx": matrix.indices.astype(np.int32), "weight": matrix.data.astype(np.float32)}
    lists = {
        name: pa.LargeListArray.from_arrays(matrix.indptr.astype(np.int64), each) for name, each in entries.items()
    }
    listeners = pa.array(np.arange(matrix.shape[0], dtype=np.int32))
    frame = session.createDataFrame(pa.table({"listener_idx": listeners, **lists}))
    frame = frame.selectExpr("listener_idx", "inline(arrays_zip(item_idx, weight))")
    return frame.repartition(blocks, "listener_idx").sortWithinPartitions("listener_idx", "item_idx")


def _collect(frame: Any, n_rows: int, n_factors: int) -> Factors:
    """float32 of shape (n_rows, n_factors), zeros where Spark has no row: it learns of those with interactions."""
    table = frame.select("id", "features").toArrow()
    factors = np.zeros((n_rows, n_factors), dtype=np.float32)
    values = table["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    factors[table["id"].to_numpy()] = values.reshape(-1, n_factors)
    return factors
