"""Errors of the database driver, in Netgain's terms."""

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from pipeline.errors import SettingsError, TableError, TransientError
from pipeline.settings import StateStore
from pipeline.state.location import file_of

RESTORE = "Restore it from a backup: copy the file back, or remove it and run `netgain state load DUMP`."
_NOT_DAMAGE = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH)


def shown(store: StateStore) -> str:
    """Return the name of a database for messages, without a password."""
    return str(file_of(store)) if store.uri is None else sa.make_url(store.uri).render_as_string(hide_password=True)


@contextmanager
def translated(store: StateStore) -> Iterator[None]:
    """Raise errors of the database driver as errors that say what to do.

    Raises:
        TableError: it is damaged.
        TransientError: it is busy, or its server does not answer.
        SettingsError: this user may not open it.
        OSError: the disk is full (ENOSPC).
    """
    try:
        yield
    except sa.exc.IntegrityError:
        raise
    except sa.exc.DatabaseError as err:
        if isinstance(err.orig, sqlite3.Error):
            raise _of_sqlite(store, err.orig) from err
        if isinstance(err, sa.exc.OperationalError):
            raise TransientError(
                f"the state database {shown(store)} does not answer: {err.orig}",
                expected="a server that does",
                fix="See NETGAIN_STATE_URI; what is served is untouched.",
            ) from err
        raise


def _of_sqlite(store: StateStore, err: sqlite3.Error) -> Exception:
    name, code = shown(store), getattr(err, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), name)
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return TransientError(f"{name} is in use: {err}", expected="one writer at a time", fix="Try again in a while.")
    if code in _NOT_DAMAGE:
        return SettingsError(f"{name}: {err}", expected="a file this user may write", fix="See who owns it.")
    return TableError(f"{name} is damaged: {err}", expected="a whole database", fix=RESTORE)
