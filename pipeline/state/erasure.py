"""Erasure in the state database: removing deleted text from its file, and searching a database on a server."""

import json
import re
from collections.abc import Callable, Collection

from pipeline.state.location import Where, is_absent, store_of

_TOKEN = re.compile("[0-9a-f]{32}")
_ERASED = "erased listener"


def scrub(where: Where) -> None:
    """Rewrite the database without deleted rows: free pages of SQLite, dead rows of PostgreSQL."""
    from pipeline.state.database import vacuum

    if not is_absent(where):
        vacuum(where)


def overwrite_in_rows(where: Where, tokens: Collection[str]) -> int:
    """Overwrite tokens in the entries of all log tables, such as paths in a record that waits; return how many
    changed."""
    from pipeline.state.rows import transaction
    from pipeline.state.schema import LOGS

    if is_absent(where):
        return 0
    n_changed, gone = 0, set(tokens)
    with transaction(where) as state:
        for table in LOGS:
            before = state.entries(table)
            after = [json.loads(_TOKEN.sub(_without(gone), json.dumps(entry))) for entry in before]
            changed = sum(a != b for a, b in zip(before, after, strict=True))
            if changed:
                state.replace(table, after)
            n_changed += changed
    return n_changed


def _without(tokens: set[str]) -> Callable[[re.Match[str]], str]:
    return lambda found: _ERASED if found[0] in tokens else found[0]


def scan_server(where: Where, is_sought: Callable[[bytes], bool]) -> list[str]:
    """Return `state database: <table>` for each table on a server with a row that is sought.

    A SQLite file is searched with all other files.
    """
    if store_of(where).uri is None:
        return []
    from pipeline.state.backup import lines

    found = {table for table, text in lines(where) if is_sought(text.encode("utf-8"))}
    return [f"state database: {table}" for table in sorted(found)]
