"""Made releases with a serving index: as many nights and listeners as a test needs."""

import datetime as dt
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.recommenders.interactions import Interactions
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import Release
from pipeline.serving.contents import make_contents
from pipeline.storage.schemas import FALLBACK, INTERACTIONS, ITEM_MAP, LISTENER_MAP, LISTS
from pipeline.storage.tables import write_table

NAMES = ("Sigur Rós", "Björk", "The Knife", "AC/DC", "Mogwai", "Portishead", "Massive Attack", "Boards of Canada")


def make_release(
    root: Path,
    scratch: Path,
    as_of: str = "2026-02-12",
    *,
    listeners: tuple[str, ...] = ("ann", "bob", "Zoë/ö"),
    mark: str = "",
    family: str = "item_knn",
    key: bytes = OPEN_KEY,
) -> Release:
    """Publish a release of a few listeners, by their ids. Ids of items end with `mark`: a list tells its release."""
    night = scratch / f"{as_of}-{mark or 'plain'}"
    ids = [f"i{n}{mark}" for n in range(len(NAMES))]
    _write_night(night, [token_of(each, key) for each in sorted(listeners)], ids, as_of)
    _fit(night, family)
    files, _ = make_contents(
        night / "cache",
        lists=night / "lists.parquet",
        fallback=night / "fallback.parquet",
        window=night / "window",
        model=night / "model",
    )
    contents = Contents(
        files={
            "lists.parquet": night / "lists.parquet",
            "fallback.parquet": night / "fallback.parquet",
            "model": night / "model",
            "heldout": night / "model",
            **files,
        },
        facts={
            "as_of": as_of,
            "recipe": family,
            "family": family,
            "n_listeners": len(listeners),
            "id_key": fingerprint(key),
        },
        origin={"verdict": "PROMOTE", "sentence": "PROMOTED", "params": "0" * 64, "code": "c0ffee"},
    )
    return publish(root, contents)[0]


def _write_night(night: Path, listeners: list[str], ids: list[str], as_of: str) -> None:
    lists: list[dict[str, Any]] = []
    for row, name in sorted(enumerate(listeners), key=itemgetter(1)):
        for rank in range(1, 6):
            item = (row + rank) % len(ids)
            why = f"because you play {NAMES[row % len(ids)]}"
            about = {"item_id": ids[item], "item_name": NAMES[item], "score": 1.0 / rank, "reason": why}
            lists.append({"listener_id": name, "rank": rank, **about})
    write_table(night / "lists.parquet", pa.Table.from_pylist(lists, schema=LISTS), LISTS)
    popular = [
        {"rank": n + 1, "item_id": ids[n], "item_name": NAMES[n], "score": 1.0, "reason": "popular these days"}
        for n in range(len(ids))
    ]
    write_table(night / "fallback.parquet", pa.Table.from_pylist(popular, schema=FALLBACK), FALLBACK)
    window = night / "window"
    places = {name: place for place, name in enumerate(sorted(listeners))}
    pairs = [(places[name], (row * 3 + j) % len(ids)) for row, name in enumerate(listeners) for j in range(3)]
    pairs = sorted(set(pairs))
    plays = [float((row + item) % 4 + 1) for row, item in pairs]
    table = {
        "listener_idx": [p[0] for p in pairs],
        "item_idx": [p[1] for p in pairs],
        "weight": plays,
        "n_plays": [int(p) for p in plays],
        "age_days": [0] * len(pairs),
    }
    write_table(window / "interactions.parquet", pa.table(table), INTERACTIONS)
    days = pa.array([dt.date(2026, 1, 1)] * len(listeners), pa.date32())
    people = {"listener_id": sorted(listeners), "n_plays": [3] * len(listeners), "first_day": days}
    write_table(window / "listeners.parquet", pa.table(people), LISTENER_MAP)
    heard = np.bincount([p[1] for p in pairs], minlength=len(ids)).astype(np.int32)
    items = pa.table({"item_id": ids, "item_name": list(NAMES), "n_listeners": heard})
    write_table(window / "items.parquet", items, ITEM_MAP)


def _fit(night: Path, family: str) -> None:
    """A model of a made audience: the first four items go together, and so do the last four."""
    n = len(NAMES)
    heard = np.zeros((12, n), dtype=np.float32)
    for row in range(12):
        group = range(4) if row % 2 else range(4, 8)
        for item in group:
            heard[row, item] = 1 + (row + item) % 3
    weights = sp.csr_matrix(heard)
    model = build(FAMILIES[family].start).fit(
        Interactions(weights, np.zeros(weights.nnz, dtype=np.int32)), rng=np.random.default_rng(1)
    )
    model.save(night / "model")
    write_table(night / "model" / "items.parquet", _items(night), ITEM_MAP)
    days = pa.array([dt.date(2026, 1, 1)] * 12, pa.date32())
    people = {"listener_id": [f"fitted {i:02d}" for i in range(12)], "n_plays": [4] * 12, "first_day": days}
    write_table(night / "model" / "listeners.parquet", pa.table(people), LISTENER_MAP)


def _items(night: Path) -> pa.Table:
    from pipeline.storage.tables import read_table

    return read_table(night / "window" / "items.parquet", ITEM_MAP)
