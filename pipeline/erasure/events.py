"""Renames listeners in the landed events of the server, which hold tokens."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from pipeline.erasure.landing import packed
from pipeline.identity.tokens import TOKEN
from pipeline.logs.archives import file_of
from pipeline.logs.contents import as_utf8, decompress
from pipeline.logs.landing import Landing
from pipeline.logs.manifest import TABLE, Finding, accept, files_in_manifest
from pipeline.state.clock import now
from pipeline.state.location import Where
from pipeline.state.rows import entries
from pipeline.storage.atomic import atomic_path
from pipeline.storage.checksums import fact


def rename_events(where: Where, landing: Landing, new: Mapping[str, str], *, root: str, format: str) -> set[str]:
    """Rewrite the segments of a landing root with other tokens, and accept the change in the manifest.

    Repeating it changes nothing.

    Args:
        where: the store.
        landing: the landed files.
        new: old tokens → new tokens.
        root: the landing root as the manifest names it.
        format: the format as the manifest names it.

    Returns:
        Tokens without a new one: their events are removed.
    """
    taken = files_in_manifest(entries(where, TABLE), root=root, format=format)
    known, lost, changed = {*new, *new.values()}, set[str](), []
    for file in landing.files:
        path = landing.root / file.path
        if not landing.format_of(file).pseudonymised or file_of(landing.root, file.path) != path:
            continue
        lost |= _rewrite(path, new, known)
        digest = fact(path)["sha256"] if path.exists() else None
        if file.shown in taken and taken[file.shown]["sha256"] != digest:
            changed.append(Finding(file.shown, "", digest))
    if changed:
        about = {"by": "netgain state rekey", "reason": "listeners were renamed", "when": now()}
        accept(where, changed, root=root, format=format, **about)
    return lost


def _rewrite(path: Path, new: Mapping[str, str], known: set[str]) -> set[str]:
    before = path.read_bytes()
    lines = as_utf8(decompress(before, path.name))[0].decode("utf-8", "surrogateescape").splitlines(keepends=True)
    owners = [_listener(line) for line in lines]
    lost = {owner for owner in owners if owner is not None and owner not in known}
    kept = (line for line, owner in zip(lines, owners, strict=True) if owner not in lost)
    after = "".join(TOKEN.sub(lambda match: new.get(match[0], match[0]), line) for line in kept)
    if after == "".join(lines):
        return lost
    with atomic_path(path, like=path.stat()) as temporary:
        temporary.write_bytes(packed(after.encode("utf-8", "surrogateescape"), path.name))
        shutil.copystat(path, temporary)
    return lost


def _listener(line: str) -> str | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    name = found.get("listener_id") if isinstance(found, dict) else None
    return name if isinstance(name, str) and TOKEN.fullmatch(name) else None
