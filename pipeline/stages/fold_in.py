"""Fold tonight's listeners and plays into a model that is served again; part of the stage `refit`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipeline.features.fold_in import weights_by_items_of
from pipeline.features.lists import rows_of
from pipeline.features.model_folder import copy_model, save_model
from pipeline.recommenders.protocol import FoldsIn, folds_in
from pipeline.recommenders.storage import load_recommender, stored_bytes
from pipeline.runtime.executor import Result
from pipeline.runtime.meter import CostMeter
from pipeline.storage.schemas import LISTENER_MAP
from pipeline.storage.tables import read_table


@dataclass(frozen=True)
class FoldTask:
    """A kept model, and the plays to fold in.

    Attributes:
        kept: the model's folder, with its id maps.
        fold: folder with interactions, listeners and items.
        model: folder to write, with the listeners of `fold` and the items of `kept`.
    """

    kept: Path
    fold: Path
    model: Path


def fold_kernel(task: FoldTask) -> Result:
    """Write a model of the fold's listeners, or a copy of the kept model if its family cannot fold in.

    Returns:
        `folded`; where it is true, `n_listeners`, of them `n_new` that the kept model does not know, and `cost`, that
        of folding in alone.
    """
    model = load_recommender(task.kept)
    if not folds_in(model):
        copy_model(task.model, source=task.kept)
        return {"folded": False}
    assert isinstance(model, FoldsIn)
    weights = weights_by_items_of(task.kept, task.fold)
    with CostMeter() as meter:
        folded = model.fold_in(weights)
    save_model(task.model, folded, maps_from=task.fold, items_from=task.kept)
    known, tonight = (
        read_table(folder / "listeners.parquet", LISTENER_MAP)["listener_id"] for folder in (task.kept, task.fold)
    )
    return {
        "folded": True,
        "n_listeners": len(tonight),
        "n_new": int(np.count_nonzero(rows_of(tonight, known) < 0)),
        "cost": meter.cost(model_bytes=stored_bytes(task.model)).to_dict(),
    }
