"""The same lists from other libraries, on the same listeners, relative to the same bare product.

- implicit: `recommend` in batches of 1,024 listeners, `filter_already_liked_items`, its own threads, one of BLAS.
- Faiss: an exact `IndexFlatIP` with its own threads, asked for k and as many as the batch's busiest listener has
  heard, which are then dropped. Listeners come by how much they have heard, so that a batch asks for few too many.
- NumPy: the product of 256 listeners, −inf where heard, `argpartition`, a sort of the k.
- Spark: `recommendForAllUsers` of a model of equal shape. It cannot exclude what was heard and is not asked to.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.speed.alone import alone, lasting_session
from bench.speed.reference import agreement
from bench.speed.topk import K, Problem, in_turns, limits, ours, problem
from pipeline.recommenders.single_threaded import single_threaded_blas

Ids = npt.NDArray[np.int32]


def implicit_lists(given: Problem, *, batch: int = 1024) -> Ids:
    from implicit.cpu.als import AlternatingLeastSquares

    model = AlternatingLeastSquares(factors=given.items.shape[1], num_threads=0)
    model.user_factors, model.item_factors = given.listeners, given.items
    parts = []
    with single_threaded_blas():
        for start in range(0, len(given.listeners), batch):
            rows = np.arange(start, min(start + batch, len(given.listeners)))
            heard = given.heard[start : start + len(rows)]
            parts.append(model.recommend(rows, heard, N=K, filter_already_liked_items=True)[0])
    return np.concatenate(parts).astype(np.int32)


def faiss_lists(given: Problem, *, batch: int = 1024) -> Ids:
    import faiss

    index = faiss.IndexFlatIP(given.items.shape[1])
    index.add(given.items)
    n_heard = np.diff(given.heard.indptr)
    order = np.argsort(n_heard, kind="stable")
    lists = np.empty((len(order), K), dtype=np.int32)
    for start in range(0, len(order), batch):
        rows = order[start : start + batch]
        _, found = index.search(given.listeners[rows], K + int(n_heard[rows[-1]]))
        for row, candidates in zip(rows, found, strict=True):
            heard = given.heard.indices[given.heard.indptr[row] : given.heard.indptr[row + 1]]
            lists[row] = candidates[~np.isin(candidates, heard)][:K]
    return lists


def numpy_lists(given: Problem, *, batch: int = 256) -> Ids:
    parts = []
    for start in range(0, len(given.listeners), batch):
        scores = given.listeners[start : start + batch] @ given.items.T
        heard = given.heard[start : start + len(scores)]
        scores[np.repeat(np.arange(len(scores)), np.diff(heard.indptr)), heard.indices] = -np.inf
        best = np.argpartition(scores, -K, axis=1)[:, -K:]
        order = np.argsort(-np.take_along_axis(scores, best, 1), axis=1, kind="stable")
        parts.append(np.take_along_axis(best, order, 1))
    return np.concatenate(parts).astype(np.int32)


def available() -> dict[str, Callable[[Problem], Ids]]:
    """Return the peers whose library is installed, and print the missing ones."""
    peers: dict[str, Callable[[Problem], Ids]] = {"implicit": implicit_lists, "NumPy, argpartition": numpy_lists}
    try:
        import faiss  # noqa: F401
    except ImportError:
        print("Faiss is not installed (pip install 'netgain[bench]'): the benchmark continues without it.")
        return peers
    return peers | {"Faiss, IndexFlatIP": faiss_lists}


def compare_peers(factors: int, *, n_listeners: int, rounds: int, spark_listeners: int) -> dict[str, Any]:
    """All peers on the first listeners of a fitted model; Spark on fewer, beside the product for as many."""
    given = problem(factors, fitted=True).first(n_listeners)
    peers = available()
    cases: dict[str, Callable[[], object]] = {
        "ours": lambda: ours(given), **{name: lambda run=run: run(given) for name, run in peers.items()}
    }  # fmt: skip
    times = in_turns(cases | limits(given), rounds=rounds)
    checked = {
        name: agreement(run(given), given.listeners, given.items, given.heard, k=K).wrong for name, run in peers.items()
    }
    found: dict[str, Any] = {"factors": factors, "listeners": n_listeners, "times": times, "wrong": checked}
    if spark_listeners:
        least = {
            unit: min(row[f"{unit}_seconds"] for name, row in times.items() if name.startswith("sgemm"))
            * spark_listeners / n_listeners
            for unit in ("wall", "cpu")
        }  # fmt: skip
        shape = {"factors": factors, "n_listeners": spark_listeners, "n_items": len(given.items)}
        told = alone("bench.speed.peers:spark_work", **shape)
        ratios = {f"{unit}_ratio": told[f"{unit}_seconds"] / seconds for unit, seconds in least.items()}
        found["spark"] = told | ratios | {"listeners": spark_listeners}
    return found


def spark_work(factors: int, n_listeners: int, n_items: int) -> Callable[[], Any]:
    """For `alone`: recommendForAllUsers, in a session that has run it before on a few listeners."""
    import pyarrow as pa

    session = lasting_session()
    from pyspark.ml.recommendation import ALS

    numbers = np.arange(max(n_listeners, n_items), dtype=np.int32)
    rows = pa.table({"user": numbers % n_listeners, "item": numbers % n_items, "rating": np.ones(numbers.size, "f4")})
    # Initial factors suffice: the cost of lists does not depend on their quality.
    model = ALS(rank=factors, maxIter=0, implicitPrefs=True, seed=1).fit(session.createDataFrame(rows))

    def run() -> None:
        model.recommendForAllUsers(K).write.format("noop").mode("overwrite").save()

    few = session.createDataFrame(pa.table({"user": numbers[:64]}))
    model.recommendForUserSubset(few, K).write.format("noop").mode("overwrite").save()
    return run
