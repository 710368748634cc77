"""Erased listeners, told to the servers beside the releases.

`netgain erase` writes the file before it returns, and servers follow it: an erased listener gets the fallback list, and
no event of the listener is kept, long before the next night has made the releases anew. It holds salted digests of
tokens, and is readable by its owner alone.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.identity.erased import Erased

FILE = "ERASED.json"
_OURS = 0o600


def announce(releases: Path, erased: "Erased") -> None:
    """Write the erased listeners for the servers of a folder of releases; nothing is written if it does not exist."""
    from pipeline.storage.atomic import atomic_path

    if releases.is_dir():
        with atomic_path(releases / FILE, mode=_OURS) as temporary:
            temporary.write_text(json.dumps(erased.as_json()), encoding="utf-8")


def read_announced(releases: Path) -> "Erased | None":
    """Return the erased listeners; None if there are none.

    Raises:
        OSError, ValueError: the file cannot be read.
    """
    try:
        text = (releases / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    from pipeline.identity.erased import Erased

    return Erased.from_json(json.loads(text))
