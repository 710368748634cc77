"""Stage recommend: a list for every listener of the window, and one for unknown listeners."""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
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
from pipeline.metrics.topk import TopK
from pipeline.online.running import Running, withholding
from pipeline.recommenders.family import Reason
from pipeline.recommenders.protocol import Recommender
from pipeline.runtime.executor import Executor, Result
from pipeline.stages.arm_lists import Made, Source, Withheld, with_experiments
from pipeline.stages.context import Context
from pipeline.stages.going_on import challengers_of, going_on
from pipeline.stages.layout import Layout
from pipeline.stages.spec import AS_OF, DATA, StageSpec
from pipeline.storage.json_files import write_json
from pipeline.storage.orphans import PREFIX
from pipeline.storage.schemas import ARMS, FALLBACK, ITEM_MAP, LISTENER_MAP, LISTS
from pipeline.storage.tables import read_table, write_table

STAGE = StageSpec(
    desc="Make a list with reasons for every listener, and one for unknown listeners",
    deps=(DATA.final_model.parent, DATA.window, DATA.experiments),
    params=("lists", "split.target", AS_OF),
    outs=(DATA.lists, DATA.fallback, DATA.arms, DATA.recommend_cost),
)

BLOCK = 16_384
"""Listeners per task; their lists and reasons take a few hundred megabytes."""

N_OWN = 50
"""Number of a listener's items that a reason may name: the most played, weighted by recency."""


@dataclass(frozen=True)
class Block:
    """A task: the window's listeners [start, stop). If `heard_out`, lists exclude items that a listener has heard.

    `arms` is where the listeners in experiments are written to.
    """

    root: Path
    version: str
    start: int
    stop: int
    n_items: int
    heard_out: bool
    night: str
    out: Path
    arms: Path


@dataclass(frozen=True)
class Inputs:
    """Inputs that all blocks of a night share.

    Attributes:
        weights: the window's matrix, CSR of shape (n_listeners, n_items).
        unit: `reasons.unit_columns` of it.
        reason: how the model's family explains its lists.
        fill_reason: the reason of items filled in from the popular list.
        running: the experiments whose lists the night makes.
        challengers: by recipe, what an experiment shows.
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
    running: tuple[Running, ...] = ()
    challengers: Mapping[str, Source] = field(default_factory=dict)


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
    parts, arms = scratch / "lists", scratch / "arms"
    tasks = [
        Block(
            root=layout.root,
            version=version,
            start=start,
            stop=min(start + BLOCK, n_listeners),
            n_items=lists.n_items,
            heard_out=context.params.split.target == "new",
            night=context.as_of.isoformat(),
            out=parts / f"part-{start:012d}.parquet",
            arms=arms / f"part-{start:012d}.parquet",
        )
        for start in range(0, n_listeners, BLOCK)
    ]
    try:
        results = executor.map(list_block, tasks)
        write_table(layout.lists, read_table(parts, LISTS), LISTS)
        write_table(layout.arms, read_table(arms, ARMS), ARMS)
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
        table, arms, n_filled = _block_table(load(task.root, task.version), task)
        write_table(task.out, table, LISTS)
        write_table(task.arms, arms, ARMS)
    return {"n_filled": n_filled, "cost": meter.cost(n_scored=task.stop - task.start).to_dict()}


def _block_table(inputs: Inputs, task: Block) -> tuple[pa.Table, pa.Table, int]:
    """Return the LISTS and ARMS of a block, and the number of entries filled in from the popular list."""
    rows = np.arange(task.start, task.stop, dtype=np.int32)
    played = inputs.weights[task.start : task.stop]
    names = inputs.listeners["listener_id"].slice(task.start, task.stop - task.start).to_pylist()
    asking = Asking(inputs, names, rows, played, task)
    made = asking.lists(Source(inputs.model, inputs.mapped, inputs.reason), np.arange(len(rows)))
    arms = ARMS.empty_table()
    if inputs.running:
        made, arms = with_experiments(made, asking, inputs.running, inputs.challengers, night=task.night)
    users, places = np.nonzero(made.items >= 0)
    listed = pa.array(made.items[users, places])
    table = pa.table(
        {
            "listener_id": inputs.listeners["listener_id"].take(pa.array(rows[users])),
            "rank": pa.array(places + 1, pa.int32()),
            "item_id": inputs.items["item_id"].take(listed),
            "item_name": inputs.items["item_name"].take(listed),
            "score": pa.array(made.scores[users, places], pa.float32()),
            "reason": pa.array(made.reasons[users, places], pa.string()),
        }
    )
    return table, arms, int(((made.items >= 0) & ~made.from_model).sum())


class Asking:
    """Lists of a block of listeners from any model of the night."""

    def __init__(
        self, inputs: Inputs, names: list[str], rows: npt.NDArray[np.int32], played: sp.csr_matrix, task: Block
    ) -> None:
        self.names, self.k = names, task.n_items
        self._inputs, self._rows, self._played = inputs, rows, played
        self._heard = played if task.heard_out else None
        held = withholding(inputs.running)
        self._withheld = None if held is None else Withheld(held, names, inputs.items["item_id"].to_pylist())

    def lists(self, source: Source | None, places: npt.NDArray[np.int64]) -> Made:
        """Return the lists of some listeners of the block: of a model, or without one the popular list alone."""
        inputs, heard = self._inputs, None if self._heard is None else self._heard[places]
        k = self.k if self._withheld is None else self._withheld.depth(self.k)
        empty = TopK(np.full((len(places), k), -1, np.int32), np.full((len(places), k), np.nan, np.float32))
        asked = (
            empty
            if source is None
            else model_lists(source.model.recommend, source.mapped, self._rows[places], heard, k=k)
        )
        top = fill(asked, heard, inputs.popular)
        from_model = asked.items >= 0
        if self._withheld is not None:
            top, from_model = self._withheld.left_out(top, from_model, places, self.k)
        reason = inputs.reason if source is None else source.reason
        why = _reasons(inputs, top.items, from_model, self._played[places], reason)
        return Made(top.items, top.scores, why, from_model)


def _reasons(
    inputs: Inputs,
    items: npt.NDArray[np.int32],
    from_model: npt.NDArray[np.bool_],
    played: sp.csr_matrix,
    reason: Reason,
) -> npt.NDArray[np.object_]:
    """Return the reason of each listed item: strings, in the shape of `items`; filled-in items have the popular list's.

    Args:
        inputs: of the night.
        items: shape (n_listeners, k), the lists.
        from_model: shape (n_listeners, k), False for padding and items filled in from the popular list.
        played: CSR of shape (n_listeners, n_items), plays of these listeners.
        reason: how the model's family explains its lists.
    """
    why = np.where(from_model, reason.text, inputs.fill_reason).astype(object)
    if not reason.names_own_items:
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
    popular_items = read_table(layout.fallback_model / "items.parquet", ITEM_MAP)["item_id"]
    # Row 0 stands for all: the popular list is the same for every listener.
    top = load_recommender(layout.fallback_model).recommend(np.zeros(1, dtype=np.int32), k=len(popular_items))

    def source(folder: Path) -> Source:
        theirs = read_table(folder / "items.parquet", ITEM_MAP)["item_id"]
        people = read_table(folder / "listeners.parquet", LISTENER_MAP)["listener_id"]
        mapped = Mapped(
            listener_row=rows_of(listeners["listener_id"], people),
            item_row=rows_of(items["item_id"], theirs),
            window_item=rows_of(theirs, items["item_id"]),
        )
        return Source(load_recommender(folder), mapped, FAMILIES[read_recipe(folder).family].reason)

    served, running = source(layout.final_model), tuple(going_on(layout))
    return Inputs(
        listeners=listeners,
        items=items,
        weights=weights,
        unit=reasons.unit_columns(weights),
        model=served.model,
        mapped=served.mapped,
        reason=served.reason,
        fill_reason=FAMILIES[read_recipe(layout.fallback_model).family].reason.text,
        popular=popularity(top, rows_of(popular_items, items["item_id"]), items["n_listeners"].to_numpy()),
        running=running,
        challengers={name: source(layout.arm_model(name)) for name in challengers_of(running)},
    )


def _version(layout: Layout) -> str:
    folders = (layout.window, layout.final_model, layout.fallback_model, layout.arm_model("").parent)
    files = [f for d in folders for f in sorted(d.rglob("*"))] + [layout.experiments]
    return sha256(
        repr([(str(f), f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.exists()]).encode()
    ).hexdigest()
