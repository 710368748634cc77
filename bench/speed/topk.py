"""Measures top-20 lists of all listeners, heard items excluded, against the bare matrix product of the same size."""

import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from bench.speed.made import made
from bench.speed.reference import agreement
from pipeline.recommenders.scoring import best_products
from pipeline.recommenders.single_threaded import single_threaded_blas
from pipeline.runtime.threads import side_by_side, threads_for_task

K = 20
N_LISTENERS, N_ITEMS, N_HEARD = 23_566, 48_123, 1_300_000
TILES = ((512, 512), (512, 1024), (1024, 1024))
"""Listeners × items of a tile of the bare product; its limit is the fastest of these and of BLAS with its threads."""


@dataclass(frozen=True)
class Problem:
    """float32 factors, and CSR of what each listener has heard."""

    listeners: npt.NDArray[np.float32]
    items: npt.NDArray[np.float32]
    heard: sp.csr_matrix

    def first(self, n: int) -> "Problem":
        """Return the same for the first n listeners."""
        return Problem(self.listeners[:n], self.items, self.heard[:n])


def problem(factors: int, *, fitted: bool, seed: int = 7) -> Problem:
    """Gaussian factors, or those of `als` fitted on what was heard, where norms follow fame."""
    from pipeline.recommenders.families.als import Als, AlsParams
    from pipeline.recommenders.interactions import Interactions

    heard = made(N_LISTENERS, N_ITEMS, N_HEARD, seed=seed)
    rng = np.random.default_rng(seed)
    if fitted:
        recipe = AlsParams(family="als", factors=factors, regularization=3, confidence=3, iterations=3)
        model = Als(recipe).fit(Interactions(heard, np.zeros(heard.nnz, dtype=np.int32)), rng=rng)
        return Problem(model.listener_factors, model.item_factors, heard)
    shapes = ((n, factors) for n in heard.shape)
    return Problem(*(rng.standard_normal(shape, dtype=np.float32) for shape in shapes), heard)


def ours(given: Problem) -> npt.NDArray[np.int32]:
    """Run the kernel that evaluation and recommend use."""
    everyone = np.arange(len(given.listeners), dtype=np.int32)
    return best_products(given.listeners, given.items, everyone, k=K, exclude=given.heard).items


def bare_product(given: Problem, rows: int, columns: int) -> None:
    """Every score, tile by tile into a buffer that is used again: a Python thread a core, each on one BLAS thread."""

    def work(first: int) -> None:
        buffer = np.empty(rows * columns, dtype=np.float32)
        for start in range(first * rows, len(given.listeners), n * rows):
            left = given.listeners[start : start + rows]
            for begin in range(0, len(given.items), columns):
                right = given.items[begin : begin + columns].T
                np.matmul(left, right, out=buffer[: len(left) * right.shape[1]].reshape(len(left), -1))

    n = threads_for_task()
    with single_threaded_blas(), ThreadPoolExecutor(n) as pool:
        list(pool.map(work, range(n)))


def blas_product(given: Problem, rows: int = 1024) -> None:
    """The same with BLAS's own threads, a block of listeners times all items."""
    buffer = np.empty((rows, len(given.items)), dtype=np.float32)
    for start in range(0, len(given.listeners), rows):
        left = given.listeners[start : start + rows]
        np.matmul(left, given.items.T, out=buffer[: len(left)])


def limits(given: Problem) -> dict[str, Callable[[], object]]:
    """Every arrangement of the bare product."""
    tiled: dict[str, Callable[[], object]] = {
        f"sgemm {rows} × {columns}": lambda rows=rows, columns=columns: bare_product(given, rows, columns)
        for rows, columns in TILES
    }
    return tiled | {"sgemm of BLAS's threads": lambda: blas_product(given)}


def in_turns(cases: Mapping[str, Callable[[], object]], *, rounds: int) -> dict[str, dict[str, float]]:
    """Wall and CPU seconds of each case: the least of some rounds, in each of which every case has its turn; and the
    median over rounds of its ratio to the fastest sgemm of the same round."""
    for run in cases.values():
        run()
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, run in cases.items():
            wall, cpu = time.perf_counter(), time.process_time()
            run()
            taken[name].append((time.perf_counter() - wall, time.process_time() - cpu))
    bare = [name for name in cases if name.startswith("sgemm")]
    rows = {}
    for name, pairs in taken.items():
        row: dict[str, float] = {}
        for at, unit in enumerate(("wall", "cpu")):
            limit = [min(taken[each][number][at] for each in bare) for number in range(rounds)]
            row[f"{unit}_seconds"] = min(pair[at] for pair in pairs)
            row[f"{unit}_ratio"] = statistics.median(pair[at] / least for pair, least in zip(pairs, limit, strict=True))
            row[f"{unit}_ratio_of_least"] = row[f"{unit}_seconds"] / min(
                pair[at] for each in bare for pair in taken[each]
            )
        rows[name] = row
    return rows


def compare(factors: int, *, fitted: bool, rounds: int, check: bool = True) -> dict[str, Any]:
    """One row of the table: times in turns, and every id of ours against the reference."""
    given = problem(factors, fitted=fitted)
    times = in_turns({"ours": lambda: ours(given)} | limits(given), rounds=rounds)
    ids = asdict(agreement(ours(given), given.listeners, given.items, given.heard, k=K)) if check else None
    listeners, items = len(given.listeners), len(given.items)
    kind = "als" if fitted else "gaussian"
    return {"factors": factors, "kind": kind, "listeners": listeners, "items": items, "times": times, "ids": ids}


def lists_work(n_listeners: int, n_items: int, factors: int, beside: int = 1, repeats: int = 1) -> Callable[[], Any]:
    """For `alone`: lists of gaussian factors, asked for 4,096 listeners at a time as `recommend_all` does."""
    from pipeline.recommenders.families.als import Als, AlsParams
    from pipeline.recommenders.scoring import recommend_all

    rng = np.random.default_rng(1)
    model = Als(AlsParams(family="als", factors=factors, regularization=1, confidence=1, iterations=1))
    model.listener_factors, model.item_factors = (
        rng.standard_normal((n, factors), dtype=np.float32) for n in (n_listeners, n_items)
    )
    recommend_all(model, n_listeners=600, k=K)

    def run() -> dict[str, int]:
        with side_by_side(beside):
            for _ in range(repeats):
                lists = recommend_all(model, n_listeners=n_listeners, k=K)
        return {"output_bytes": lists.items.nbytes + lists.scores.nbytes, "all_scores_bytes": 4 * n_listeners * n_items}

    return run
