"""Lists of models for all their listeners, computed in blocks, and the truth that they are measured against."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp

from pipeline.features.lists import rows_of
from pipeline.metrics.cost import Cost
from pipeline.metrics.evaluation import Truth
from pipeline.metrics.lists import count_invalid
from pipeline.metrics.slices import listener_slices, slices_of
from pipeline.runtime.executor import Executor, Result
from pipeline.stages.context import Context
from pipeline.storage.arrays import write_array
from pipeline.storage.atomic import atomic_path
from pipeline.storage.schemas import INTERACTIONS, ITEM_MAP, LISTENER_MAP, RELEVANT
from pipeline.storage.tables import read_table

BLOCK = 65_536
"""Listeners per task: enough that loading the model is a small part of the work."""

CHUNK = 4096
"""Listeners per call of `recommend` within a task."""


@dataclass(frozen=True)
class ScoreBlock:
    """A task: listeners [start, stop) of one model, numbered by the model's id map.

    Attributes:
        model: a model folder with its id maps.
        history: a folder with interactions to exclude from the lists, and their id maps, which may differ from the
            model's; None excludes nothing.
        out: the .npy file to write.
        start: first listener.
        stop: one past the last listener.
        k: length of the lists.
    """

    model: Path
    history: Path | None
    out: Path
    start: int
    stop: int
    k: int


@dataclass(frozen=True)
class Lists:
    """The lists of one model, numbered by its own id maps.

    Attributes:
        items: int32 of shape (n_listeners, k), −1 for padding.
        listener_ids: id of each row.
        item_ids: id of each item number.
        n_invalid: number of invalid lists, see `count_invalid`.
        cost: cost of loading the model and computing all lists.
    """

    items: npt.NDArray[np.int32]
    listener_ids: pa.ChunkedArray
    item_ids: pa.ChunkedArray
    n_invalid: int
    cost: Cost


@dataclass(frozen=True)
class Decided:
    """The truth of the decision window, with the ids of the eligible listeners and of the items of the vocabulary."""

    truth: Truth
    listener_ids: pa.ChunkedArray
    item_ids: pa.ChunkedArray


def read_truth(context: Context) -> Decided:
    """Return the truth of the decision window.

    Raises:
        TableError: a table is missing or has other columns.
    """
    return truth_of(context, read_table(context.layout.relevant, RELEVANT))


def truth_of(context: Context, relevant: pa.Table) -> Decided:
    """Return the truth for given relevant items.

    Args:
        context: the night.
        relevant: RELEVANT, the items that each listener played, each once.
    """
    layout, evaluation = context.layout, context.params.evaluation
    listeners = read_table(layout.train / "listeners.parquet", LISTENER_MAP)
    items = read_table(layout.train / "items.parquet", ITEM_MAP)
    eligible = _sorted_unique(relevant["listener_id"])
    played = _sorted_unique(relevant["item_id"])
    only_played = played.filter(pa.array(rows_of(played, items["item_id"]) < 0))
    vocabulary = pa.chunked_array([*items["item_id"].chunks, *only_played.chunks], pa.string())
    pairs = (rows_of(relevant["listener_id"], eligible), rows_of(relevant["item_id"], vocabulary))
    days, position = np.unique(relevant["first_day"].to_numpy(), return_inverse=True)
    matrix = sp.csr_matrix((position.astype(np.int32), pairs), shape=(len(eligible), len(vocabulary)))
    matrix.sort_indices()
    slices = listener_slices(
        listeners["n_plays"].to_numpy(),
        listeners["first_day"].to_numpy(),
        decision_from=context.decision_from,
        light_share=evaluation.light_share,
        heavy_share=evaluation.heavy_share,
        new_listener_days=evaluation.new_listener_days,
    )
    truth = Truth(
        relevant=sp.csr_matrix((np.ones(matrix.nnz, np.bool_), matrix.indices, matrix.indptr), shape=matrix.shape),
        first_day=matrix.data,
        days=tuple(days.tolist()),
        slices=slices_of(rows_of(eligible, listeners["listener_id"]), slices),
        popularity=items["n_listeners"].to_numpy(),
        n_listeners=listeners.num_rows,
    )
    return Decided(truth, eligible, vocabulary)


def score_models(context: Context, models: Sequence[Path], executor: Executor, *, scratch: Path) -> list[Lists]:
    """Return the lists of some models for all their listeners, in the order of `models`.

    Args:
        context: the night.
        models: model folders with id maps.
        executor: runs the blocks.
        scratch: folder for temporary files, which is emptied first and removed at the end.
    """
    history = context.layout.train if context.params.split.target == "new" else None
    shutil.rmtree(scratch, ignore_errors=True)
    tasks: list[list[ScoreBlock]] = []
    for number, model in enumerate(models):
        n_listeners = read_table(model / "listeners.parquet", LISTENER_MAP).num_rows
        tasks.append(
            [
                ScoreBlock(
                    model=model,
                    history=history,
                    out=scratch / f"{number}-{start}.npy",
                    start=start,
                    stop=min(start + BLOCK, n_listeners),
                    k=context.params.evaluation.k,
                )
                for start in range(0, max(n_listeners, 1), BLOCK)
            ]
        )
    try:
        results = iter(executor.map(score_block, [task for blocks in tasks for task in blocks]))
        return [_gather(blocks, [next(results) for _ in blocks]) for blocks in tasks]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def score_block(task: ScoreBlock) -> Result:
    """Write the lists of one block of listeners to `task.out`: int32 of shape (stop − start, k).

    Returns:
        `n_invalid`, the number of invalid lists, and `cost` as a dict.
    """
    from pipeline.recommenders.storage import load_recommender
    from pipeline.runtime.meter import CostMeter

    n_items = read_table(task.model / "items.parquet", ITEM_MAP).num_rows
    heard = _heard(task, n_items)
    parts, n_invalid = [np.empty((0, task.k), dtype=np.int32)], 0
    with CostMeter() as meter:
        model = load_recommender(task.model)
        for start in range(task.start, task.stop, CHUNK):
            stop = min(start + CHUNK, task.stop)
            exclude = None if heard is None else heard[start - task.start : stop - task.start]
            top = model.recommend(np.arange(start, stop, dtype=np.int32), k=task.k, exclude=exclude)
            parts.append(top.items)
            n_invalid += count_invalid(top.items, top.scores, exclude, n_items=n_items)
    with atomic_path(task.out) as path:
        write_array(path, np.concatenate(parts))
    return {"n_invalid": n_invalid, "cost": meter.cost(n_scored=task.stop - task.start).to_dict()}


def in_vocabulary(lists: Lists, decided: Decided) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Translate lists to the ids of the decision window.

    Returns:
        The lists with items numbered by the vocabulary, int32 of the same shape, −1 for items outside it; and the row
        of each eligible listener, int32 of shape (n_eligible,), −1 for listeners without a list.
    """
    codes = np.append(rows_of(lists.item_ids, decided.item_ids), np.int32(-1))
    rows = rows_of(decided.listener_ids, lists.listener_ids)
    return codes[lists.items].astype(np.int32), rows


def _heard(task: ScoreBlock, n_items: int) -> sp.csr_matrix | None:
    """Return the items that the block's listeners have played; None if nothing is to be excluded.

    CSR of shape (stop − start, n_items), numbered by the model's id maps.
    """
    if task.history is None:
        return None
    rows = _rows_in_model(task, "listeners.parquet", LISTENER_MAP, "listener_id")
    columns = _rows_in_model(task, "items.parquet", ITEM_MAP, "item_id")
    played = read_table(task.history / "interactions.parquet", INTERACTIONS)
    row, column = rows[played["listener_idx"].to_numpy()], columns[played["item_idx"].to_numpy()]
    known = (row >= task.start) & (row < task.stop) & (column >= 0)
    ones = np.ones(int(known.sum()), dtype=np.float32)
    heard = sp.csr_matrix((ones, (row[known] - task.start, column[known])), shape=(task.stop - task.start, n_items))
    heard.sort_indices()
    return heard


def _rows_in_model(task: ScoreBlock, name: str, schema: pa.Schema, column: str) -> npt.NDArray[np.int32]:
    assert task.history is not None
    theirs, ours = read_table(task.history / name, schema)[column], read_table(task.model / name, schema)[column]
    rows: npt.NDArray[np.int32] = rows_of(theirs, ours)
    return rows


def _gather(blocks: Sequence[ScoreBlock], results: Sequence[Result]) -> Lists:
    costs = [Cost.from_dict(result["cost"]) for result in results]
    total = costs[0]
    for cost in costs[1:]:
        total = total + cost
    model = blocks[0].model
    return Lists(
        items=np.concatenate([np.load(block.out, allow_pickle=False) for block in blocks]),
        listener_ids=read_table(model / "listeners.parquet", LISTENER_MAP)["listener_id"],
        item_ids=read_table(model / "items.parquet", ITEM_MAP)["item_id"],
        n_invalid=sum(int(result["n_invalid"]) for result in results),
        cost=total,
    )


def _sorted_unique(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    distinct = pc.unique(ids)
    return pa.chunked_array([distinct.take(pc.sort_indices(distinct))], pa.string())
