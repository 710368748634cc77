"""Erasure in the state database: removing deleted text from its file, and searching a database on a server."""

import re

from pipeline.state.location import Where, is_absent, store_of


def scrub(where: Where) -> None:
    """Rewrite the database without deleted rows: free pages of SQLite, dead rows of PostgreSQL."""
    from pipeline.state.database import vacuum

    if not is_absent(where):
        vacuum(where)


def scan_server(where: Where, words: re.Pattern[bytes] | None) -> list[str]:
    """Return `state database: <table>` for each table on a server that holds one of the words.

    A SQLite file is searched with all other files.

    Args:
        where: the store.
        words: what to look for; None for nothing.
    """
    if store_of(where).uri is None or words is None:
        return []
    from pipeline.state.backup import lines

    found = {table for table, text in lines(where) if words.search(text.encode("utf-8"))}
    return [f"state database: {table}" for table in sorted(found)]
