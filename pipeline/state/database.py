"""The state database: one transaction at a time, on SQLite or PostgreSQL (ADR 0016).

This module imports SQLAlchemy, which takes a few hundred milliseconds: other modules import it where they use it.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool, StaticPool

from pipeline.errors import SettingsError, TableError
from pipeline.settings import StateStore
from pipeline.state.errors import RESTORE, shown, translated
from pipeline.state.legacy import require_none
from pipeline.state.location import FILE, Where, file_of, is_absent, mark_of, store_of
from pipeline.state.schema import METADATA, VERSION, upgrade, version_of

_PAGE_BYTES = 4096
_BUSY_SECONDS = 30.0
"""How long a transaction waits for another process's."""


@contextmanager
def writing(where: Where, *, anew: bool = False) -> Iterator[sa.Connection]:
    """Run a block as the only writing transaction: committed at its end, undone if it raises or the process dies.

    A database that does not exist is created, readable by its owner alone.

    Args:
        where: the store.
        anew: make an empty database even if there was one, or an old ledger was not migrated.

    Raises:
        TableError: the database is damaged, lost or newer than this Netgain, or the ledger must be migrated first.
        TransientError: another process holds it for too long, or the server does not answer.
    """
    store = store_of(where)
    if is_absent(store) and not anew:
        _require_first(store)
    with (
        translated(store),
        _connected(store, create=True) as connection,
        connection.execution_options(netgain_writes=True).begin(),
    ):
        if (version := _known_version(store, connection)) < VERSION:
            if not version and not anew:
                require_none(store.folder)
            upgrade(connection, version)
        yield connection
    if store.uri is None and not mark_of(store).exists():
        mark_of(store).touch()


@contextmanager
def reading(where: Where) -> Iterator[sa.Connection]:
    """Read a consistent snapshot; a database that does not exist reads as an empty one and is not created.

    Raises:
        TableError, TransientError: as for `writing`.
    """
    store = store_of(where)
    with translated(store):
        if is_absent(store):
            _require_first(store)
            with _empty().connect() as connection:
                yield connection
            return
        with _connected(store) as connection:
            version = _known_version(store, connection)
            if version == VERSION:
                yield connection
                return
        if version:
            with writing(store):
                pass
            with _connected(store) as connection:
                yield connection
            return
        require_none(store.folder)
        with _empty().connect() as connection:
            yield connection


def check(where: Where) -> None:
    """Verify every page of the database.

    Raises:
        TableError: it is damaged.
    """
    with reading(where) as connection:
        if connection.dialect.name == "sqlite":
            wrong = [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
            if wrong:
                raise TableError(
                    f"{shown(store_of(where))} is damaged: {wrong[0]}", expected="a whole one", fix=RESTORE
                )


def exists(where: Where) -> bool:
    """Return whether the database has its tables."""
    store = store_of(where)
    if is_absent(store):
        return False
    with translated(store), _connected(store) as connection:
        return _known_version(store, connection) > 0


def vacuum(where: Where) -> None:
    """Rewrite the database without what was deleted from it."""
    store = store_of(where)
    if not is_absent(store):
        with translated(store), _engine(store).connect() as connection:
            free = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in METADATA.tables if store.uri is not None else ("",):
                free.exec_driver_sql(f"VACUUM FULL {table}" if table else "VACUUM")


def _require_first(store: StateStore) -> None:
    """Raises TableError if an absent SQLite database was there before, or the state is in files."""
    require_none(store.folder)
    if mark_of(store).exists():
        raise lost(store, "it was there before")


def lost(store: StateStore, why: str) -> TableError:
    """Return the error of a database that is gone."""
    return TableError(
        f"{shown(store)} is missing or empty: {why}",
        expected="the state of earlier nights",
        fix=f"{RESTORE} Without a backup, `netgain state init` begins anew.",
    )


@contextmanager
def _connected(store: StateStore, *, create: bool = False) -> Iterator[sa.Connection]:
    path = file_of(store)
    if path is not None:
        _require_whole_pages(path)
    if path is not None and create:
        require_writable(path, create=True)
    with _engine(store).connect() as connection:
        yield connection


def require_writable(path: Path, *, create: bool = False) -> None:
    """Check that this user may write a database; its folder, too, holds a journal during a transaction.

    Raises:
        SettingsError: they may not.
    """
    try:
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        refused = next((each for each in (path, path.parent) if each.exists() and not os.access(each, os.W_OK)), None)
    except PermissionError:
        refused = path
    except OSError as err:
        if err.errno != errno.EROFS:
            raise
        refused = path
    if refused is not None:
        raise SettingsError(
            f"the state database {path} cannot be written: {refused} is read-only for this user",
            expected="a file and a folder that this user may write",
            fix="See who owns them, and how the disk is mounted.",
        )


def _require_whole_pages(path: Path) -> None:
    """Refuse a file that ends within a page: SQLite would fill the page with zeros, or begin anew.

    With a journal beside it, a transaction is under way or is about to be undone. Looked at twice: one may just end.
    """
    for _ in range(2):
        if not path.exists() or not path.stat().st_size % _PAGE_BYTES or path.with_name(f"{FILE}-journal").exists():
            return
    raise TableError(f"{path} is damaged: it ends within a page", expected="a whole database", fix=RESTORE)


def _known_version(store: StateStore, connection: sa.Connection) -> int:
    version = version_of(connection)
    if version > VERSION:
        raise TableError(
            f"{shown(store)} has schema {version}", expected=f"{VERSION} or less", fix="Use a newer Netgain."
        )
    return version


@lru_cache(maxsize=8)
def _engine(store: StateStore) -> sa.Engine:
    """Return an engine without a pool: a connection belongs to one block, whatever forks or threads do."""
    if store.uri is None:
        engine = sa.create_engine(
            f"sqlite:///{file_of(store)}",
            poolclass=NullPool,
            connect_args={"timeout": _BUSY_SECONDS},
        )
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        engine = sa.create_engine(store.uri, poolclass=NullPool)
    except sa.exc.ArgumentError as err:
        raise SettingsError("NETGAIN_STATE_URI", expected="postgresql://user@host/database", fix="Correct it.") from err
    except ModuleNotFoundError as err:
        raise SettingsError(
            "psycopg is not installed", expected="a driver for PostgreSQL", fix="Install netgain[postgres]."
        ) from err
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # BEGIN is ours: Python's driver would begin only before the first change
    for pragma in (f"page_size = {_PAGE_BYTES}", "synchronous = EXTRA", "secure_delete = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    if options.get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("netgain_writes") else "BEGIN")


def _begin_postgresql(connection: sa.Connection) -> None:
    """Let one writer in at a time, as SQLite does, and show a reader one snapshot."""
    options = connection.get_execution_options()
    if options.get("isolation_level") == "AUTOCOMMIT":
        return
    if options.get("netgain_writes"):
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('netgain.' || current_schema()))")
    else:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")


@cache
def _empty() -> sa.Engine:
    engine = sa.create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    with engine.begin() as connection:
        upgrade(connection, 0)
    return engine
