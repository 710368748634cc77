"""A release of a million listeners with 20 items each, of which only the serving index is real."""

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY, token_of
from pipeline.releases.current import set_current
from pipeline.releases.release import SCHEMA, id_of
from pipeline.serving.build import write_records
from pipeline.serving.layout import FILE, FOLDER, NO_KEY, key_of, pack
from pipeline.storage.checksums import digests
from pipeline.storage.json_files import write_json

N_ITEMS, K = 30_000, 20


def name_of(number: int) -> str:
    """Return the id of a listener."""
    return f"L{number:09d}"


def make_releases(root: Path, *, n_listeners: int) -> None:
    """Publish a release, unless it is there already."""
    if (root / "CURRENT").exists():
        return
    making = root / ".tmp-made"
    items, ids = _items()
    head = [f'{{"rank":{rank},{item}' for rank, item in enumerate(items[:K], start=1)]
    popular = pack(NO_KEY, [text.encode() for text in head], ids[:K], [])
    write_records(making / FOLDER / FILE, popular, _records(n_listeners, items, ids))
    facts = {"as_of": "2026-01-01", "recipe": "als", "family": "als", "n_listeners": n_listeners}
    facts["id_key"] = OPEN_FINGERPRINT
    content = {"schema": SCHEMA, **facts, "files": digests({FOLDER: making / FOLDER})}
    name = id_of(content)
    origin = {"verdict": "PROMOTE", "sentence": "made", "params": "0" * 64, "code": None}
    write_json(making / "manifest.json", {**content, "release": name, "previous": None, "origin": origin})
    making.rename(root / name)  # published without a copy: the index has gigabytes
    set_current(root, name)


def _items() -> tuple[list[str], list[bytes]]:
    """Return the items' JSON after the rank, and their ids' JSON."""
    rng = random.Random(1)
    letters = "abcdefghijklmnopqrstuvwxyz"
    ids = [f"{rng.getrandbits(128):032x}" for _ in range(N_ITEMS)]
    names = [
        " ".join("".join(rng.choices(letters, k=rng.randint(3, 9))) for _ in range(rng.randint(1, 3))).title()
        for _ in range(N_ITEMS)
    ]
    items = [
        f'"item_id":"{item}","item_name":"{name}","share":0.5,"reason":"because you play {names[n - 7]}"}}'
        for n, (item, name) in enumerate(zip(ids, names, strict=True))
    ]
    return items, [f'"{item}"'.encode() for item in ids]


def _records(n_listeners: int, items: list[str], ids: list[bytes]) -> Iterator[tuple[int, bytes]]:
    rng = np.random.default_rng(1)
    popularity = 1 / np.arange(1, N_ITEMS + 1) ** 0.8
    popularity /= popularity.sum()
    ranks = [f'{{"rank":{rank},' for rank in range(1, K + 1)]
    bodies = [text.encode() for text in items]
    starts = [rank.encode() for rank in ranks]
    step = 20_000
    for start in range(0, n_listeners, step):
        picked = rng.choice(N_ITEMS, size=(min(step, n_listeners - start), K), p=popularity).tolist()
        for number, row in enumerate(picked, start=start):
            key = key_of(token_of(name_of(number), OPEN_KEY))
            yield key, pack(key, [a + bodies[i] for a, i in zip(starts, row, strict=True)], [ids[i] for i in row], [])
