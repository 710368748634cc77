"""One release as it is served: its index, and what every answer says of it."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import ReleaseError
from pipeline.identity.tokens import fingerprint
from pipeline.releases.release import Release, open_release
from pipeline.serving.index import Index
from pipeline.serving.layout import FILE, FOLDER, DamagedIndex, Entry
from pipeline.serving.newcomers_folder import MODEL

OWN, FALLBACK, FOLDED = "own", "fallback", "folded"
LANES = (OWN, FALLBACK, FOLDED)
REASONS = {
    OWN: "the listener's own list of the night",
    FALLBACK: "no list of this listener: what is popular these days",
    FOLDED: "a newcomer's list, from the named items",
}
NOT_RECOGNISED = "none of the names was recognised: what is popular these days"
NOT_FOLDING = "the served model takes no newcomers: what is popular these days"


class Snapshot:
    """A release that is mapped. An answer holds one snapshot from beginning to end, so no answer is mixed.

    Attributes:
        release: the release.
        id: its id.
        index: its index.
        folder: the folder of the model for newcomers; None if the release has none.
    """

    def __init__(self, release: Release) -> None:
        """Map a release after comparing the size of each serving file with the manifest.

        Raises:
            DamagedIndex: the release has no index, or a damaged one.
        """
        files = {path: fact for path, fact in release.manifest["files"].items() if path.startswith(f"{FOLDER}/")}
        if f"{FOLDER}/{FILE}" not in files:
            raise DamagedIndex(f"release {release.id} has no serving index")
        for path, fact in files.items():
            try:
                size = (release.folder / path).stat().st_size
            except OSError as err:
                raise DamagedIndex(f"release {release.id} lacks {path}") from err
            if size != fact["bytes"]:
                raise DamagedIndex(f"release {release.id} has changed bytes in {path}")
        self.release, self.id = release, release.id
        self.path = release.folder / FOLDER / FILE
        self.index = Index(self.path)
        model = release.folder / FOLDER / MODEL
        self.folder = model.parent if model.is_dir() else None
        self.heads = {lane: self.head(lane, reason) for lane, reason in REASONS.items()}
        self.about = f'"release":"{release.id}","experiment":null,"arm":null,"team":null,"propensity":null'

    def head(self, lane: str, reason: str) -> bytes:
        """Return the beginning of an answer, up to its impression id."""
        about: dict[str, Any] = {
            "lane": lane,
            "reason": reason,
            "release": self.release.id,
            "recipe": self.release.recipe,
            "experiment": None,
            "arm": None,
            "impression_id": "",
        }
        return json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()[:-2]

    def answer(self, lane: str, impression_id: str, entry: Entry) -> bytes:
        """Return the body of an answer."""
        return b'%b%b","items":[%b]}\n' % (self.heads[lane], impression_id.encode(), entry.items)

    def impression(self, lane: str, stamp: tuple[str, str], name: str, ids: bytes, n: int) -> bytes:
        """Return the event of an answer that was given: one line of JSON. An item's rank is its place in `items`.

        Args:
            lane: the lane of the answer.
            stamp: its impression id and time.
            name: the listener's token, as JSON.
            ids: the elements of a JSON array of the items' ids.
            n: number of items.
        """
        impression_id, at = stamp
        return (
            f'{{"kind":"impression","event_id":"{impression_id}","impression_id":"{impression_id}","at":"{at}",'
            f'"listener_id":{name},{self.about},"lane":"{lane}","k":{n},"items":['.encode()
            + ids
            + b"]}\n"
        )


def open_snapshot(root: Path, name: str, id_key: bytes) -> Snapshot:
    """Map a release by its id.

    Raises:
        DamagedIndex: it is missing or damaged, or its listeners are tokens under another key.
    """
    try:
        release = open_release(root, name)
        if release.id_key != fingerprint(id_key):
            raise DamagedIndex(f"release {name} names its listeners under another NETGAIN_ID_KEY")
        return Snapshot(release)
    except (ReleaseError, KeyError, TypeError, AttributeError) as err:
        raise DamagedIndex(err.found if isinstance(err, ReleaseError) else f"release {name} cannot be read") from err
