"""A night small enough to work out by hand: files of the stages before evaluate, written with the real code."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from pipeline.configuration import load_params
from pipeline.features.model_folder import save_model
from pipeline.features.royalties import write_royalties
from pipeline.gate.spending import FIRST_NIGHT
from pipeline.json_values import as_json
from pipeline.recommenders.families.popular import PopularParams
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import build
from pipeline.settings import load_settings
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import INFLUENCE, INTERACTIONS, ITEM_MAP, LISTENER_MAP, RELEVANT
from pipeline.storage.tables import write_table

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
AS_OF = dt.date(2026, 3, 8)  # with 7 decision days, the decision window starts on 1 March

Heard = dict[str, list[str]]


def context(root: Path, *, k: int = 2, target: str = "new") -> Context:
    evaluation = PARAMS.evaluation.model_copy(update={"k": k, "light_share": 0.5, "heavy_share": 0.5})
    split = PARAMS.split.model_copy(update={"target": target})
    params = PARAMS.model_copy(update={"evaluation": evaluation, "split": split})
    return Context(params, AS_OF, Layout(root), load_settings({}, workspace=root))


def write_fold(folder: Path, heard: Heard, *, first_day: dict[str, dt.date] | None = None) -> Interactions:
    """A folder of interactions, listeners and items, each play counted once."""
    listeners = sorted(heard)
    items = sorted({item for played in heard.values() for item in played})
    pairs = [(i, items.index(item)) for i, name in enumerate(listeners) for item in sorted(heard[name])]
    rows, columns = np.array(pairs, dtype=np.int32).reshape(-1, 2).T
    ones = np.ones(len(pairs))
    interactions = {
        "listener_idx": rows,
        "item_idx": columns,
        "weight": ones.astype(np.float32),
        "n_plays": ones.astype(np.int32),
        "age_days": np.zeros(len(pairs), dtype=np.int32),
    }
    days = [(first_day or {}).get(name, dt.date(2025, 6, 1)) for name in listeners]
    counts = np.bincount(columns, minlength=len(items)).astype(np.int32)
    write_table(folder / "interactions.parquet", pa.table(interactions), INTERACTIONS)
    plays = [len(heard[name]) for name in listeners]
    people = {"listener_id": listeners, "n_plays": plays, "first_day": pa.array(days, pa.date32())}
    write_table(folder / "listeners.parquet", pa.table(people), LISTENER_MAP)
    things = {"item_id": items, "item_name": [f"Item {i}" for i in items], "n_listeners": counts}
    write_table(folder / "items.parquet", pa.table(things), ITEM_MAP)
    matrix = sp.csr_matrix((ones.astype(np.float32), (rows, columns)), shape=(len(listeners), len(items)))
    return Interactions(matrix, np.zeros(len(pairs), dtype=np.int32))


def fit_popular(folder: Path, fold: Path, interactions: Interactions) -> None:
    model = build(PopularParams(family="popular", window_days=14)).fit(interactions, rng=np.random.default_rng(0))
    save_model(folder, model, maps_from=fold)


def write_relevant(path: Path, played: Heard, *, first_day: dict[tuple[str, str], dt.date] | None = None) -> None:
    """What was played, each once: on the window's first day, where `first_day` does not tell another."""
    rows = [(name, item) for name in sorted(played) for item in sorted(played[name])]
    table = {"listener_id": [r[0] for r in rows], "item_id": [r[1] for r in rows], "n_plays": [1] * len(rows)}
    table["first_day"] = [(first_day or {}).get(row, dt.date(2026, 3, 1)) for row in rows]
    columns = {n: pa.array(v, RELEVANT.field(n).type) for n, v in table.items()}
    write_table(path, pa.table(columns), RELEVANT)


TRAIN: Heard = {"ann": ["a", "b"], "bob": ["a", "c", "d"], "cay": ["a", "b", "c"], "dan": ["b"]}
"""Popularity: a 3, b 3, c 2, d 1; ties go to the lower index."""
PLAYED: Heard = {"ann": ["c"], "bob": ["d"], "dan": ["a", "z"], "eve": ["a"]}
"""bob played d again (of interest with target any), z is in no training, eve neither."""


def plant(root: Path) -> None:
    """Training, one fit of `popular`, and what was played; nothing is served."""
    layout = Layout(root)
    fold = write_fold(layout.train, TRAIN, first_day={"dan": dt.date(2026, 2, 20)})
    fit_popular(layout.model("popular") / "seed-0", layout.train, fold)
    write_relevant(layout.relevant, PLAYED)
    serve_nothing(root)


def open_first(root: Path) -> None:
    """The parts of an opened night that tell of logs and of earlier nights."""
    write_json(Layout(root).landing, {"format": "netgain", "root": "landing", "files": []})
    write_json(Layout(root).history, as_json(FIRST_NIGHT) | {"inputs": "0" * 24})
    write_table(Layout(root).earlier, INFLUENCE.empty_table(), INFLUENCE)
    write_royalties(Layout(root).royalties, {}, usual=0.004)


def serve_nothing(root: Path) -> None:
    write_json(Layout(root).served / "served.json", {"release": None, "recipe": None, "family": None, "as_of": None})


def serve_popular(root: Path, heard: Heard) -> None:
    """A release of `popular`, fitted on another window with other listeners and items."""
    layout, fold = Layout(root), root / "earlier"
    fit_popular(layout.served / "model", fold, write_fold(fold, heard))
    served = {"release": "r-1", "recipe": "popular", "family": "popular", "as_of": "2026-03-07"}
    write_json(layout.served / "served.json", served)
