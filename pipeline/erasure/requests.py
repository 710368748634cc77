"""Who is to be erased. Ids are kept until the next night has carried it out; after that digests of them alone.

In the ledger: `erasures/requests.jsonl` (when, by whom, why, digests), `erasures/salt`, and until the night
`erasures/pending.json`. All three are readable by their owner alone.
"""

import json
import secrets
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pipeline.errors import ParamsError, TableError
from pipeline.logs.pseudonyms import Erased, digest_of, pseudonym
from pipeline.state.journal import now, read_lines, write_lines
from pipeline.storage.tables import atomic_path

FOLDER = "erasures"
REQUESTS = "requests.jsonl"
_OURS = 0o600


def request(ledger: Path, listeners: Collection[str], *, key: bytes | None, by: str, reason: str) -> int:
    """Ask for listeners to be erased in the next night.

    Args:
        ledger: the ledger's folder.
        listeners: ids as their logs have them.
        key: of pseudonyms, where ids are pseudonymised.
        by: who asks.
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
    folder = ledger / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    salt = _salt(folder)
    known = erased(ledger)
    fresh = [name for name in wanted if known is None or not known.has(name)]
    names = known_as(wanted, key)
    digests = sorted({digest_of(name, salt) for name in names})
    entry = {"when": now(), "by": by, "reason": reason, "listeners": len(fresh), "digests": digests}
    # First the names, then the record: a crash between the two is mended by asking again.
    _write(folder / "pending.json", json.dumps(sorted({*pending(ledger), *names})))
    lines = [*read_lines(folder / REQUESTS), *([entry] if fresh else [])]
    write_lines(folder / REQUESTS, lines, mode=_OURS)
    return len(fresh)


def known_as(listeners: Iterable[str], key: bytes | None) -> list[str]:
    """Return ids and, with a key, their pseudonyms."""
    names = list(listeners)
    return names if key is None else [*names, *(pseudonym(key, name) for name in names)]


def erased(ledger: Path) -> Erased | None:
    """Everybody who was ever erased; None where nobody was."""
    lines = read_lines(ledger / FOLDER / REQUESTS)
    if not lines:
        return None
    return Erased(_salt(ledger / FOLDER), frozenset(digest for line in lines for digest in line["digests"]))


def made(ledger: Path) -> list[dict[str, Any]]:
    """Requests as a certificate may tell them: when, by whom, why, and how many listeners."""
    told = read_lines(ledger / FOLDER / REQUESTS)
    return [{key: entry[key] for key in ("when", "by", "reason", "listeners")} for entry in told]


def pending(ledger: Path) -> list[str]:
    """Ids, and pseudonyms, that the next night removes.

    Raises:
        TableError: the list cannot be read.
    """
    path = ledger / FOLDER / "pending.json"
    if not path.exists():
        return []
    try:
        return [str(name) for name in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError) as err:
        raise TableError(f"{path} cannot be read: {err}", expected="a list of ids", fix="Ask for them again.") from err


def carried_out(ledger: Path) -> None:
    """Forget the ids."""
    (ledger / FOLDER / "pending.json").unlink(missing_ok=True)


def _salt(folder: Path) -> str:
    path = folder / "salt"
    if not path.exists():
        _write(path, secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()


def _write(path: Path, text: str) -> None:
    with atomic_path(path, mode=_OURS) as temporary:
        temporary.write_text(text, encoding="utf-8")
