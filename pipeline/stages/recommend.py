"""Stage recommend: a list for every listener of the window, and one for unknown listeners."""

import shutil
import tempfile
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import sha256
from operator import add
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import scipy.sparse as sp

from pipeline.features import reasons
from pipeline.features.interactions import load_interactions
from pipeline.features.lists import Mapped, Popularity, fill, model_lists, popularity, rows_of
from pipeline.metrics.accuracy import hit_matrix
from pipeline.metrics.cost import Cost
from pipeline.recommenders.family import Reason
from pipeline.recommenders.protocol import Recommender
from pipeline.runtime.executor import Executor, Result
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.stages.spec import DATA, StageSpec
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import FALLBACK, ITEM_MAP, LISTENER_MAP, LISTS
from pipeline.storage.tables import read_table, write_table

STAGE = StageSpec(
    desc="Make a list with reasons for every listener, and one for unknown listeners",
    deps=(DATA.final_model.parent, DATA.window),
    params=("lists", "split.target"),
    outs=(DATA.lists, DATA.fallback, DATA.recommend_cost),
)

BLOCK = 16_384
"""Listeners per task; their lists and reasons take a few hundred megabytes."""

N_OWN = 50
"""Number of a listener's items that a reason may name: the most played, weighted by recency."""


@dataclass(frozen=True)
class Block:
    """A task: the window's listeners [start, stop). If `heard_out`, lists exclude items that a listener has heard."""

    root: Path
    version: str
    start: int
    stop: int
    n_items: int
    heard_out: bool
    out: Path


@dataclass(frozen=True)
class Inputs:
    """Inputs that all blocks of a night share.

    Attributes:
        weights: the window's matrix, CSR of shape (n_listeners, n_items).
        unit: `reasons.unit_columns` of it.
        reason: how the model's family explains its lists.
        fill_reason: the reason of items filled in from the popular list.
    """

    listeners: pa.Table
    items: pa.Table
    weights: sp.csr_matrix
    unit: sp.csc_matrix
    model: Recommender
    mapped: Mapped
    reason: Reason
    fill_reason: str
    popular: Popularity


def run(context: Context) -> str:
    """Write the lists of all listeners, the fallback list and the cost of both; return the stage's line."""
    from pipeline.runtime.choose import executor_for

    with executor_for("fits", context.settings) as executor:
        return recommend(context, executor)


def recommend(context: Context, executor: Executor) -> str:
    """Do the work of `run` on a given executor; return the stage's line."""
    layout, lists = context.layout, context.params.lists
    n_listeners = read_table(layout.window / "listeners.parquet", LISTENER_MAP).num_rows
    version = _version(layout)
    scratch = Path(tempfile.mkdtemp(dir=layout.data, prefix=f"{PREFIX}lists-"))
    tasks = [
        Block(
            root=layout.root,
            version=version,
            start=start,
            stop=min(start + BLOCK, n_listeners),
            n_items=lists.n_items,
            heard_out=context.params.split.target == "new",
            out=scratch / f"part-{start:012d}.parquet",
        )
        for start in range(0, n_listeners, BLOCK)
    ]
    try:
        results = executor.map(list_block, tasks)
        write_table(layout.lists, read_table(scratch, LISTS), LISTS)
        inputs = load(layout.root, version)
    finally:
        shutil.rmtree(scratch)
        load.cache_clear()
    fallback = fallback_list(inputs, n=lists.n_fallback)
    write_table(layout.fallback, fallback, FALLBACK)
    costs = [Cost.from_dict(result["cost"]) for result in results]
    write_json(layout.recommend_cost, (reduce(add, costs) if costs else Cost(0, 0, n_scored=0)).to_dict())
    return (
        f"{n_listeners} lists of {lists.n_items} items, {sum(r['n_filled'] for r in results)} entries filled from the "
        f"popular list; {fallback.num_rows} items for unknown listeners"
    )


def list_block(task: Block) -> Result:
    """Write the lists of one block of listeners to `task.out`, and measure the cost; runs in any worker."""
    from pipeline.runtime.meter import CostMeter

    with CostMeter() as meter:
        table, n_filled = _block_table(load(task.root, task.version), task)
        write_table(task.out, table, LISTS)
    return {"n_filled": n_filled, "cost": meter.cost(n_scored=task.stop - task.start).to_dict()}


def _block_table(inputs: Inputs, task: Block) -> tuple[pa.Table, int]:
    """Return the LISTS of a block, and the number of entries filled in from the popular list."""
    rows = np.arange(task.start, task.stop, dtype=np.int32)
    played = inputs.weights[task.start : task.stop]
    heard = played if task.heard_out else None
    asked = model_lists(inputs.model.recommend, inputs.mapped, rows, heard, k=task.n_items)
    top = fill(asked, heard, inputs.popular)
    users, places = np.nonzero(top.items >= 0)
    listed = pa.array(top.items[users, places])
    why = _reasons(inputs, top.items, asked.items >= 0, played)
    table = pa.table(
        {
            "listener_id": inputs.listeners["listener_id"].take(pa.array(rows[users])),
            "rank": pa.array(places + 1, pa.int32()),
            "item_id": inputs.items["item_id"].take(listed),
            "item_name": inputs.items["item_name"].take(listed),
            "score": pa.array(top.scores[users, places], pa.float32()),
            "reason": pa.array(why[users, places], pa.string()),
        }
    )
    return table, int(((top.items >= 0) & (asked.items < 0)).sum())


def _reasons(
    inputs: Inputs, items: npt.NDArray[np.int32], from_model: npt.NDArray[np.bool_], played: sp.csr_matrix
) -> npt.NDArray[np.object_]:
    """Return the reason of each listed item: strings, in the shape of `items`; filled-in items have the popular list's.

    Args:
        inputs: of the night.
        items: shape (n_listeners, k), the lists.
        from_model: shape (n_listeners, k), False for padding and items filled in from the popular list.
        played: CSR of shape (n_listeners, n_items), plays of the block's listeners.
    """
    why = np.where(from_model, inputs.reason.text, inputs.fill_reason).astype(object)
    if not inputs.reason.names_own_items:
        return why
    own = hit_matrix(np.where(from_model, items, -1).astype(np.int32), played)
    why[own] = reasons.OWN
    nearest = reasons.nearest_own(
        np.where(from_model & ~own, items, -1).astype(np.int32), reasons.favourites(played, n=N_OWN), inputs.unit
    )
    named = nearest >= 0
    distinct, place = np.unique(nearest[named], return_inverse=True)
    names = inputs.items["item_name"].take(pa.array(distinct)).to_pylist()
    why[named] = np.array([reasons.because(name) for name in names], dtype=object)[place]
    return why


def fallback_list(inputs: Inputs, *, n: int) -> pa.Table:
    """Return the n most popular items (FALLBACK), with scores relative to the first item's."""
    first = inputs.popular.order[:n]
    return pa.table(
        {
            "rank": pa.array(np.arange(1, len(first) + 1), pa.int32()),
            "item_id": inputs.items["item_id"].take(pa.array(first)),
            "item_name": inputs.items["item_name"].take(pa.array(first)),
            "score": pa.array(inputs.popular.share[first], pa.float32()),
            "reason": pa.array([inputs.fill_reason] * len(first), pa.string()),
        }
    )


@lru_cache(maxsize=1)
def load(root: Path, version: str) -> Inputs:
    """Read the window, the model to be served and the popular list; cached in each process.

    A Spark worker may outlive the night: with another `version`, it reads the files again.
    """
    from pipeline.recommenders.registry import FAMILIES
    from pipeline.recommenders.storage import load_recommender, read_recipe

    layout = Layout(root)
    listeners = read_table(layout.window / "listeners.parquet", LISTENER_MAP)
    items = read_table(layout.window / "items.parquet", ITEM_MAP)
    weights = load_interactions(layout.window).weights
    model_items = read_table(layout.final_model / "items.parquet", ITEM_MAP)["item_id"]
    model_listeners = read_table(layout.final_model / "listeners.parquet", LISTENER_MAP)["listener_id"]
    popular_items = read_table(layout.fallback_model / "items.parquet", ITEM_MAP)["item_id"]
    # Row 0 stands for all: the popular list is the same for every listener.
    top = load_recommender(layout.fallback_model).recommend(np.zeros(1, dtype=np.int32), k=len(popular_items))
    return Inputs(
        listeners=listeners,
        items=items,
        weights=weights,
        unit=reasons.unit_columns(weights),
        model=load_recommender(layout.final_model),
        mapped=Mapped(
            listener_row=rows_of(listeners["listener_id"], model_listeners),
            item_row=rows_of(items["item_id"], model_items),
            window_item=rows_of(model_items, items["item_id"]),
        ),
        reason=FAMILIES[read_recipe(layout.final_model).family].reason,
        fill_reason=FAMILIES[read_recipe(layout.fallback_model).family].reason.text,
        popular=popularity(top, rows_of(popular_items, items["item_id"]), items["n_listeners"].to_numpy()),
    )


def _version(layout: Layout) -> str:
    files = [f for d in (layout.window, layout.final_model, layout.fallback_model) for f in sorted(d.rglob("*"))]
    return sha256(repr([(str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files]).encode()).hexdigest()
