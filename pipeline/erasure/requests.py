"""Requests for erasure. Ids are kept until the next night has carried them out; after that only digests of them.

The state database holds the requests (when, by whom, why, digests) and the salt. The ids themselves never enter it, so
that no backup or dump of it holds one: they wait in `erasures/pending.json`. Both files are readable by their owner
alone.
"""

import json
import secrets
from collections.abc import Collection, Iterable
from typing import Any

from pipeline.errors import ParamsError, TableError
from pipeline.logs.pseudonyms import Erased, digest_of, pseudonym
from pipeline.state.clock import now
from pipeline.state.location import Where, folder_of
from pipeline.state.rows import Rows, entries, snapshot, transaction
from pipeline.storage.atomic import atomic_path

FOLDER = "erasures"
TABLE = "erasures"
_PENDING = "pending.json"
_SALT = "erasure_salt"
_OURS = 0o600


def request(where: Where, listeners: Collection[str], *, key: bytes | None, by: str, reason: str) -> int:
    """Ask for listeners to be erased in the next night.

    Args:
        where: the store.
        listeners: ids as their logs have them.
        key: of pseudonyms, where ids are pseudonymised.
        by: who asked.
        reason: why.

    Returns:
        How many had not been asked for before.

    Raises:
        ParamsError: an id is empty.
    """
    wanted = sorted(set(listeners))
    if not wanted or not all(name.strip() for name in wanted):
        raise ParamsError(
            "no listener", expected="ids of listeners", fix="Name them, or give a file with an id a line."
        )
    names = known_as(wanted, key)
    with transaction(where) as state:
        salt = _salt(state)
        known = _erased(state)
        fresh = [name for name in wanted if known is None or not known.has(name)]
        digests = sorted({digest_of(name, salt) for name in names})
        if fresh:
            entry = {"when": now(), "by": by, "reason": reason, "listeners": len(fresh), "digests": digests}
            state.append(TABLE, entry)
        # The ids before the commit: after a crash between the two, asking again completes the request.
        path = folder_of(where) / FOLDER / _PENDING
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path, mode=_OURS) as temporary:
            temporary.write_text(json.dumps(sorted({*pending(where), *names})), encoding="utf-8")
    return len(fresh)


def known_as(listeners: Iterable[str], key: bytes | None) -> list[str]:
    """Return ids and, with a key, their pseudonyms."""
    names = list(listeners)
    return names if key is None else [*names, *(pseudonym(key, name) for name in names)]


def erased(where: Where) -> Erased | None:
    """Return all listeners who were ever erased; None if no erasure was ever requested."""
    with snapshot(where) as state:
        return _erased(state)


def made(where: Where) -> list[dict[str, Any]]:
    """Return the requests as a certificate may show them: when, by whom, why, and how many listeners."""
    shown = ("when", "by", "reason", "listeners")
    return [{key: entry[key] for key in shown} for entry in entries(where, TABLE)]


def pending(where: Where) -> list[str]:
    """Return the ids, and pseudonyms, that the next night removes.

    Raises:
        TableError: the list cannot be read.
    """
    path = folder_of(where) / FOLDER / _PENDING
    if not path.exists():
        return []
    try:
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError) as err:
        raise TableError(f"{path} cannot be read: {err}", expected="a list of ids", fix="Ask for them again.") from err


def carried_out(where: Where) -> None:
    """Forget the ids."""
    (folder_of(where) / FOLDER / _PENDING).unlink(missing_ok=True)


def _erased(state: Rows) -> Erased | None:
    requests = state.entries(TABLE)
    if not requests:
        return None
    return Erased(_salt(state), frozenset(digest for entry in requests for digest in entry["digests"]))


def _salt(state: Rows) -> str:
    """Return the salt of all digests; made with the first request."""
    found = state.setting(_SALT)
    if found is None:
        found = secrets.token_hex(32)
        state.set(_SALT, found)
    return found
