"""Newcomers: a list for a listener who names a few items, from the served model.

The model is kept without its listeners: a few megabytes, of which none is about a person.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pipeline.features.newcomers import lists_of_newcomers
from pipeline.recommenders.protocol import FoldsIn, Recommender, folds_in
from pipeline.recommenders.storage import load_recommender
from pipeline.serving.matching import Names
from pipeline.serving.newcomers_folder import ITEMS, MODEL
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import ITEM_MAP
from pipeline.storage.tables import read_table


def write_newcomers(folder: Path, model: Path) -> bool:
    """Write the served model without its listeners, and the names of its items, below a folder of the release.

    Returns:
        Whether the family can fold newcomers in; nothing is written if it cannot.

    Raises:
        RecipeError: the model cannot be loaded.
        TableError: it has no map of items.
    """
    fitted = load_recommender(model)
    if not folds_in(fitted):
        return False
    assert isinstance(fitted, FoldsIn)
    items = read_table(model / "items.parquet", ITEM_MAP)
    no_listeners = sp.csr_matrix(np.empty((0, items.num_rows), dtype=np.float32))
    fitted.fold_in(no_listeners).save(folder / MODEL)
    columns = {name: items[name].to_pylist() for name in ITEM_MAP.names}
    write_json(folder / MODEL / ITEMS, columns)
    return True


@dataclass(frozen=True)
class Folded:
    """A newcomer's list.

    Attributes:
        named: rows of the items that were recognised.
        items: rows of the recommended items, best first; empty if nothing was recognised.
        scores: the model's scores of them.
    """

    named: tuple[int, ...]
    items: tuple[int, ...]
    scores: tuple[float, ...]


class Newcomers:
    """The model and the names of one release."""

    def __init__(self, folder: Path) -> None:
        """Load what `write_newcomers` wrote.

        Raises:
            RecipeError: the model is missing or damaged.
            OSError, ValueError, KeyError: the items are.
        """
        self.model: Recommender = load_recommender(folder / MODEL)
        columns = json.loads((folder / MODEL / ITEMS).read_text(encoding="utf-8"))
        self.ids: list[str] = columns["item_id"]
        self.item_names: list[str] = columns["item_name"]
        self.names = Names(self.ids, self.item_names, columns["n_listeners"])
        self.recommend([self.ids[0]], k=1)  # compiles and warms what the first request would wait for

    def recommend(self, named: list[str], *, k: int) -> Folded:
        """Return the list of a newcomer who names some items, by id or by name.

        Args:
            named: ids or names, matched forgivingly.
            k: length of the list.
        """
        rows = list(dict.fromkeys(row for row in map(self.names.find, named) if row is not None))
        if not rows:
            return Folded((), (), ())
        top = lists_of_newcomers(self.model, [np.array(rows)], n_items=len(self.ids), k=k)
        listed = top.items[0] >= 0
        return Folded(tuple(rows), tuple(top.items[0][listed].tolist()), tuple(top.scores[0][listed].tolist()))
