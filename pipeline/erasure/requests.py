"""Requests for erasure. They hold tokens; the ids that they are made with are written nowhere.

The state database holds the requests (when, by whom, why, salted digests of tokens) and the salt. The tokens wait in
`erasures/pending.json` until a night has carried them out: the search for a token must not find the request. Both files
are readable by their owner alone.
"""

import json
import re
import secrets
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ParamsError, TableError
from pipeline.identity.erased import IDS, Erased, digest_of
from pipeline.identity.tokens import fingerprint, token_of
from pipeline.state.clock import now
from pipeline.state.location import Where, folder_of
from pipeline.state.rows import Rows, snapshot, transaction
from pipeline.storage.atomic import atomic_path

FOLDER = "erasures"
TABLE = "erasures"
DEFAULT_REASON = "the listener asked for it"
_PENDING = "pending.json"
_SALT = "erasure_salt"
_OURS = 0o600


@dataclass(frozen=True)
class Pending:
    """What the next night erases.

    Attributes:
        tokens: of listeners.
        files: files of ids that requests were made with; those in the workspace are removed.
    """

    tokens: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()


def request(
    where: Where,
    listeners: Collection[str],
    *,
    key: bytes,
    by: str,
    reason: str = DEFAULT_REASON,
    file: Path | None = None,
) -> int:
    """Ask for listeners to be erased in the next night.

    Args:
        where: the store.
        listeners: ids as their logs have them.
        key: of the workspace's tokens.
        by: who asked.
        reason: why.
        file: the file that the ids were read from, if any.

    Returns:
        How many had not been asked for before.

    Raises:
        ParamsError: an id is empty, or `by` or `reason`, which certificates show, contain one of them.
    """
    if not listeners or not all(name.strip() for name in listeners):
        raise ParamsError(
            "no listener", expected="ids of listeners", fix="Name them, or give a file with an id a line."
        )
    _refuse_ids(by, listeners, "--by")
    if reason != DEFAULT_REASON:
        _refuse_ids(reason, listeners, "--reason")
    tokens = {token_of(name, key) for name in listeners}
    with transaction(where) as state:
        salt, known = _salt(state), _erased(state)
        fresh = {token for token in tokens if known is None or not known.holds(token, key)}
        digests = sorted(digest_of(token, salt) for token in tokens)
        about = {"when": now(), "by": by, "reason": reason, "listeners": len(tokens)}
        state.append(TABLE, about | {"digests": digests, "key": fingerprint(key)})
        # The tokens before the commit: after a crash between the two, asking again completes the request.
        before = pending(where)
        files = before.files | ({str(file.resolve())} if file is not None else set())
        _write(where, Pending(before.tokens | tokens, files))
    return len(fresh)


def erased(where: Where) -> Erased | None:
    """Return all listeners who were ever erased; None if no erasure was ever requested."""
    with snapshot(where) as state:
        return _erased(state)


def requests_of(where: Where, tokens: Iterable[str]) -> list[dict[str, Any]]:
    """Return the requests for some listeners as a certificate may show them: when, by whom, why, how many listeners."""
    shown = ("when", "by", "reason", "listeners")
    with snapshot(where) as state:
        salt = state.setting(_SALT) or ""
        wanted = {digest_of(token, salt) for token in tokens}
        return [{key: e[key] for key in shown} for e in state.entries(TABLE) if not wanted.isdisjoint(e["digests"])]


def pending(where: Where) -> Pending:
    """Return what the next night removes.

    Raises:
        TableError: the list cannot be read.
    """
    path = folder_of(where) / FOLDER / _PENDING
    if not path.exists():
        return Pending()
    try:
        found: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return Pending(frozenset(map(str, found["tokens"])), frozenset(map(str, found["files"])))
    except (OSError, ValueError, TypeError, KeyError) as err:
        raise TableError(
            f"{path} cannot be read: {err}", expected="a list of tokens", fix="Ask for them again."
        ) from err


def carried_out(where: Where, done: Pending) -> None:
    """Forget what a night has erased; requests that came in meanwhile wait for the next one."""
    with transaction(where):
        now_pending = pending(where)
        left = Pending(now_pending.tokens - done.tokens, now_pending.files - done.files)
        if left.tokens:
            _write(where, left)
        else:
            (folder_of(where) / FOLDER / _PENDING).unlink(missing_ok=True)


def replace_pending(where: Where, tokens: Collection[str]) -> None:
    """Put tokens in place of a list of an earlier version."""
    _write(where, Pending(frozenset(tokens)))


def names_waiting_before_tokens(where: Where) -> list[str]:
    """Return the ids and pseudonyms in a list of an earlier version, which is a bare list; empty without one."""
    path = folder_of(where) / FOLDER / _PENDING
    found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return [str(name) for name in found] if isinstance(found, list) else []


def _write(where: Where, waiting: Pending) -> None:
    path = folder_of(where) / FOLDER / _PENDING
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, mode=_OURS) as temporary:
        text = json.dumps({"tokens": sorted(waiting.tokens), "files": sorted(waiting.files)})
        temporary.write_text(text, encoding="utf-8")


def _refuse_ids(text: str, listeners: Iterable[str], option: str) -> None:
    folded = unicodedata.normalize("NFC", text).casefold()
    for name in listeners:
        wanted = re.escape(unicodedata.normalize("NFC", name).casefold())
        if re.search(rf"(?<!\w){wanted}(?!\w)", folded):
            raise ParamsError(
                f"{option} contains the id of a listener who is to be erased",
                expected="words that may stay: certificates and the state database keep them",
                fix="Say it without the id.",
            )


def _erased(state: Rows) -> Erased | None:
    groups: dict[str, set[str]] = {}
    for entry in state.entries(TABLE):
        groups.setdefault(entry.get("key", IDS), set()).update(entry["digests"])
    return Erased(_salt(state), {name: frozenset(found) for name, found in groups.items()}) if groups else None


def _salt(state: Rows) -> str:
    """Return the salt of all digests; made with the first request."""
    found = state.setting(_SALT)
    if found is None:
        found = secrets.token_hex(32)
        state.set(_SALT, found)
    return found
