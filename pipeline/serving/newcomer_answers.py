"""The answer to a newcomer, from the served release's model; without one, the fallback list."""

import json
import threading
from typing import Any

from pipeline.errors import NetgainError
from pipeline.releases.lookup import share_of
from pipeline.serving.layout import Entry
from pipeline.serving.newcomers import Newcomers
from pipeline.serving.snapshot import FALLBACK, FOLDED, NOT_FOLDING, NOT_RECOGNISED, REASONS, Snapshot

_lock = threading.Lock()
_loaded: dict[str, Newcomers | None] = {}
"""The model of the release that was asked last; None if it cannot be loaded."""


def newcomer_entry(snapshot: Snapshot, named: list[str], k: int) -> tuple[str, bytes, Entry, bytes]:
    """Return a newcomer's answer. The first call for a release loads its model.

    Args:
        snapshot: the served release.
        named: ids or names of items.
        k: length of the list.

    Returns:
        The lane, the beginning of the answer, the list, and the recognised items as elements of a JSON array.
    """
    model = model_of(snapshot)
    if model is None:
        return FALLBACK, snapshot.head(FALLBACK, NOT_FOLDING), snapshot.index.fallback.first(k), b""
    folded = model.recommend(named, k=k)
    if not folded.items:
        return FALLBACK, snapshot.head(FALLBACK, NOT_RECOGNISED), snapshot.index.fallback.first(k), b""
    rows: list[dict[str, Any]] = [
        {
            "rank": rank,
            "item_id": model.ids[item],
            "item_name": model.item_names[item],
            "share": share_of(score, folded.scores[0]),
            "reason": REASONS[FOLDED],
        }
        for rank, (item, score) in enumerate(zip(folded.items, folded.scores, strict=True), start=1)
    ]
    _fill(rows, snapshot, {model.ids[item] for item in folded.named}, k=k)
    own = [{"item_id": model.ids[item], "item_name": model.item_names[item]} for item in folded.named]
    ids = _elements([row["item_id"] for row in rows])
    entry = Entry(_elements(rows), ids, len(rows))
    return FOLDED, snapshot.head(FOLDED, REASONS[FOLDED]), entry, _elements(own)


def _fill(rows: list[dict[str, Any]], snapshot: Snapshot, named: set[str], *, k: int) -> None:
    """Fill a short list with popular items that are neither named nor listed."""
    taken = named | {row["item_id"] for row in rows}
    for item in json.loads(b"[%b]" % snapshot.index.fallback.items) if len(rows) < k else ():
        if len(rows) < k and item["item_id"] not in taken:
            rows.append(item | {"rank": len(rows) + 1, "share": None})


def model_of(snapshot: Snapshot) -> Newcomers | None:
    """Return the model of a release, loaded once; None if it has none or it cannot be loaded."""
    if snapshot.folder is None:
        return None
    with _lock:
        if snapshot.id not in _loaded:
            _loaded.clear()
            try:
                _loaded[snapshot.id] = Newcomers(snapshot.folder)
            except (NetgainError, OSError, ValueError, KeyError, IndexError):
                _loaded[snapshot.id] = None
        return _loaded[snapshot.id]


def _elements(values: list[Any]) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":")).encode()[1:-1]
