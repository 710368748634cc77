"""Fits at equal rank and iterations: ours, implicit's conjugate gradients and Spark's ALS, each in its own process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.speed.alone import alone, lasting_session
from bench.speed.made import load, made, save

EXTRA: dict[str, dict[str, Any]] = {
    "als": {"regularization": 3.0, "confidence": 3.0},
    "ials": {"regularization": 0.003, "exponent": 0.75, "unobserved": 0.1, "discount": 0.15, "start": 0.1},
    "spark_als": {"regularization": 0.1, "confidence": 1.0, "blocks": 4},
    "item_knn": {"neighbours": 100, "weighting": "bm25"},
    "rp3beta": {"neighbours": 100, "alpha": 1.0, "beta": 0.3},
}
"""Hyperparameters other than rank and iterations; they hardly affect the cost of a fit."""


def family_work(family: str, source: str, **shape: int) -> Callable[[], Any]:
    """For `alone`: a fit by the family's public class, once tried on a few interactions so that all is compiled."""
    from pipeline.recommenders.interactions import Interactions
    from pipeline.recommenders.registry import build, parse_recipe

    recipe = parse_recipe({"family": family, **EXTRA[family], **shape})
    interactions = load(source)
    few = made(50, 40, 300, seed=1)
    if family == "spark_als":
        lasting_session()
    build(recipe).fit(Interactions(few, np.zeros(few.nnz, dtype=np.int32)), rng=np.random.default_rng(0))

    def run() -> dict[str, int]:
        build(recipe).fit(interactions, rng=np.random.default_rng(0))
        return {"interactions": interactions.weights.nnz}

    return run


def implicit_work(source: str, factors: int, iterations: int) -> Callable[[], Any]:
    """For `alone`: implicit's AlternatingLeastSquares with its defaults, on one thread like ours."""
    from implicit.cpu.als import AlternatingLeastSquares

    from pipeline.recommenders.single_threaded import single_threaded_blas

    weights = load(source).weights
    weights.data = np.log1p(weights.data)
    given = {"factors": factors, "num_threads": 1, "random_state": 0, **EXTRA["als"]}
    given["alpha"] = given.pop("confidence")

    def run() -> None:
        with single_threaded_blas():
            AlternatingLeastSquares(iterations=iterations, **given).fit(weights, show_progress=False)

    return run


def compare_fits(
    scratch: Path, *, n_interactions: int, ranks: tuple[int, ...], iterations: int, rounds: int, spark_rank: int
) -> list[dict[str, Any]]:
    """A row for each rank and contender: the least CPU seconds of some rounds in which each has its turn."""
    source = str(save(scratch / "fits.npz", made(23_566, 48_123, n_interactions, seed=3)))
    rows = []
    for rank in ranks:
        shape = {"factors": rank, "iterations": iterations}
        contenders = {
            "als": lambda shape=shape: alone("bench.speed.fits:family_work", family="als", source=source, **shape),
            "implicit": lambda shape=shape: alone("bench.speed.fits:implicit_work", source=source, **shape),
            "ials": lambda shape=shape: alone("bench.speed.fits:family_work", family="ials", source=source, **shape),
        }
        found = {name: [] for name in contenders}
        for _ in range(rounds):
            for name, fit in contenders.items():
                found[name].append(fit())
        if rank == spark_rank:
            work = "bench.speed.fits:family_work"
            found["spark_als"] = [alone(work, family="spark_als", source=source, **shape)]
        least = {name: min(fits, key=lambda fit: fit["cpu_seconds"]) for name, fits in found.items()}
        rows += [
            shape | {"contender": name, "cpu_ratio": fit["cpu_seconds"] / least["implicit"]["cpu_seconds"]} | fit
            for name, fit in least.items()
        ]  # fmt: skip
    return rows
