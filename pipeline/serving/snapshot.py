"""One release as it is served: its index, and what every answer says of it."""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.errors import ReleaseError
from pipeline.identity.tokens import fingerprint
from pipeline.releases.release import Release, open_release
from pipeline.serving.arms_about import read_about
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


class Arm(NamedTuple):
    """What answers and impressions of an arm say.

    Attributes:
        head: the beginning of an answer.
        about: of an impression, up to the quote before the teams.
    """

    head: bytes
    about: str


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
        try:
            self._arms = [Arm(b"", ""), *(self._arm(**each) for each in read_about(release.folder))]
        except (OSError, ValueError, KeyError, TypeError) as err:
            raise DamagedIndex(f"release {release.id} has unreadable experiments") from err

    def require_arm(self, entry: Entry) -> None:
        """Check that the release tells of a list's arm.

        Raises:
            DamagedIndex: it does not: index and arms are of different releases.
        """
        if entry.arm >= len(self._arms):
            raise DamagedIndex(f"release {self.id} lacks arm {entry.arm}")

    def _arm(self, *, experiment: str, arm: str, propensity: float, recipe: str) -> Arm:
        head = self.head(OWN, REASONS[OWN], experiment=experiment, arm=arm, recipe=recipe)
        named = json.dumps({"experiment": experiment, "arm": arm, "propensity": propensity}, separators=(",", ":"))
        return Arm(head, f'"release":"{self.id}",{named[1:-1]}')

    def head(
        self, lane: str, reason: str, *, experiment: str | None = None, arm: str | None = None, recipe: str = ""
    ) -> bytes:
        """Return the beginning of an answer, up to its impression id; without a recipe, it is the release's."""
        about: dict[str, Any] = {
            "lane": lane,
            "reason": reason,
            "release": self.release.id,
            "recipe": recipe or self.release.recipe,
            "experiment": experiment,
            "arm": arm,
            "impression_id": "",
        }
        return json.dumps(about, ensure_ascii=False, separators=(",", ":")).encode()[:-2]

    def answer(self, lane: str, impression_id: str, entry: Entry) -> bytes:
        """Return the body of an answer."""
        head = self._arms[entry.arm].head if entry.arm else self.heads[lane]
        return b'%b%b","items":[%b]}\n' % (head, impression_id.encode(), entry.items)

    def impression(self, lane: str, stamp: tuple[str, str], name: str, entry: Entry) -> bytes:
        """Return the event of an answer that was given: one line of JSON. An item's rank is its place in `items`.

        Args:
            lane: the lane of the answer.
            stamp: its impression id and time.
            name: the listener's token, as JSON.
            entry: the list.
        """
        impression_id, at = stamp
        about = self.about
        if entry.arm:
            team = f'"{entry.team.decode("ascii")}"' if entry.team else "null"
            about = f'{self._arms[entry.arm].about},"team":{team}'
        return (
            f'{{"kind":"impression","event_id":"{impression_id}","impression_id":"{impression_id}","at":"{at}",'
            f'"listener_id":{name},{about},"lane":"{lane}","k":{entry.n},"items":['.encode()
            + entry.ids
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
