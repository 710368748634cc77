"""Where state is kept. Imports nothing heavy: every command passes through here."""

from pathlib import Path

from pipeline.settings import StateStore

FILE = "netgain.db"
MARK = ".netgain.db.made"
"""Beside the SQLite file since it was made: without it, a lost database could not be told from a first night."""
Where = Path | StateStore
"""A ledger folder with its own SQLite file, or a store that may name a server."""


def store_of(where: Where) -> StateStore:
    """Return the store; a bare folder stands for its SQLite file."""
    return where if isinstance(where, StateStore) else StateStore(where)


def folder_of(where: Where) -> Path:
    """Return the folder of the files that rows refer to."""
    return store_of(where).folder


def file_of(where: Where) -> Path | None:
    """Return the SQLite file; None if the state is on a server."""
    store = store_of(where)
    return store.folder / FILE if store.uri is None else None


def mark_of(where: Where) -> Path:
    """Return the file that says that a SQLite database was made here."""
    return folder_of(where) / MARK


def is_absent(where: Where) -> bool:
    """Return whether the SQLite file is missing or empty; a server is never absent."""
    path = file_of(where)
    return path is not None and (not path.exists() or not path.stat().st_size)
