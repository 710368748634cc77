"""What Spark's own ALS needs of its session."""

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.recommenders.families.spark_als import SparkAls, SparkAlsParams
from pipeline.recommenders.interactions import Interactions


@pytest.mark.spark
def test_a_fit_of_many_iterations_does_not_exhaust_the_stack(spark):
    weights = sp.random(60, 40, 0.2, format="csr", random_state=1, dtype=np.float32)
    weights.sort_indices()
    recipe = SparkAlsParams(family="spark_als", factors=4, regularization=0.2, confidence=1.0, iterations=60, blocks=1)
    given = Interactions(weights, np.zeros(weights.nnz, dtype=np.int32))
    model = SparkAls(recipe).fit(given, rng=np.random.default_rng(0))
    assert np.isfinite(model.listener_factors).all()
    assert np.linalg.norm(model.listener_factors, axis=1).min() > 0
