"""Where state is kept. This module imports nothing heavy, because every command imports it."""

from pathlib import Path

from pipeline.settings import StateStore

FILE = "netgain.db"
MARK = ".netgain.db.made"
"""An empty file that is created with the SQLite file and stays if that is lost: without it, a lost database would look
like a first night."""
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
    """Return the file that shows that a SQLite database was created here."""
    return folder_of(where) / MARK


def is_absent(where: Where) -> bool:
    """Return whether the SQLite file is missing or empty; a server is never absent."""
    path = file_of(where)
    return path is not None and (not path.exists() or not path.stat().st_size)
