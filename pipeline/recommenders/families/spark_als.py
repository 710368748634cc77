"""Spark ML's alternating least squares, for matrices that no single machine holds."""

from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
import pyarrow as pa
from pydantic import Field

from pipeline.errors import RecipeError
from pipeline.params.base import NonNegative, Positive
from pipeline.recommenders.factors import FactorModel, FactorParams, Factors
from pipeline.recommenders.family import Family, Hours, Reason
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.weighting import damped

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


class SparkAlsParams(FactorParams):
    """Spark ML's ALS, for matrices that no single machine holds."""

    family: Literal["spark_als"] = "spark_als"
    regularization: NonNegative
    """λ; Spark scales it by the number of interactions of each listener and item."""
    confidence: Positive
    """α of Hu, Koren & Volinsky (2008): confidence = 1 + α · log(1 + weight)."""
    iterations: Annotated[int, Field(ge=1, le=1000)]
    """Alternations between listeners and items."""
    blocks: Annotated[int, Field(ge=1, le=4096)]
    """Partitions of the factors. The order of sums changes the last bits, so a fit repeats byte for byte only with one
    block, on one Java runtime."""


class SparkAls(FactorModel[SparkAlsParams]):
    """Hu, Koren & Volinsky (2008) with the regularisation of Zhou et al. (2008), in the active Spark session.

    Confidences are those of `als`. Spark scales the regularisation of each vector by its number of interactions and
    `als` does not, so the two values are not comparable. Lists are made from the collected factors, since
    `recommendForAllUsers` takes 30 times the time of the product.
    """

    def fit(self, interactions: Interactions, *, rng: np.random.Generator) -> Self:
        """See `Recommender.fit`. The starting factors follow a seed drawn from `rng`.

        Raises:
            RecipeError: no Spark session is active.
        """
        from pyspark.ml.recommendation import ALS

        session = _active_session()
        if not interactions.weights.nnz:  # Spark cannot make a frame without rows
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


def _active_session() -> "SparkSession":
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        raise RecipeError(
            "spark_als without an active Spark session",
            expected="one",
            fix="Unset NETGAIN_ENGINE or set it to auto or spark, or leave the recipe out.",
        )
    return session


def _ratings(session: "SparkSession", interactions: Interactions, blocks: int) -> "DataFrame":
    """Return one row an interaction, partitioned by listener and sorted: ALS needs the same input if a task is retried.

    The driver sends one row a listener and Spark expands it, since a row takes the driver some hundred bytes whatever
    it holds.
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


def _collect(frame: "DataFrame", n_rows: int, n_factors: int) -> Factors:
    """Return factors, float32 of shape (n_rows, n_factors); zeros for rows without interactions, which Spark omits."""
    table = frame.select("id", "features").toArrow()
    factors = np.zeros((n_rows, n_factors), dtype=np.float32)
    values = table["features"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    factors[table["id"].to_numpy()] = values.reshape(-1, n_factors)
    return factors


FAMILY = Family(
    SparkAls,
    SparkAlsParams,
    stochastic=True,
    runs_in_task=False,
    reason=Reason("hidden factors; similar items are given as reasons"),
    hours=Hours(upkeep=40, switching=16),
)
