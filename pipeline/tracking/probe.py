"""Tests within seconds, and without MLflow, whether a tracking server answers or the embedded store can be written."""

import http.client
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.errors import TrackingAway
from pipeline.tracking.client import without_secrets

PROBE_SECONDS = 5.0
_SQLITE = "sqlite:///"
_NOT_DAMAGE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_FULL,
)


class StoreDamaged(TrackingAway):
    """The embedded store is damaged: no waiting helps."""


def probe(uri: str, *, seconds: float = PROBE_SECONDS) -> None:
    """Check that a tracking server answers, with any status, or that an SQLite store is whole and not in use.

    Args:
        uri: a tracking URI; other kinds of stores than these two are not contacted.
        seconds: timeout of connecting and of answering, each [s].

    Raises:
        TrackingAway: it does not answer.
        StoreDamaged: the SQLite store is damaged.
    """
    if uri.startswith(_SQLITE):
        _probe_store(Path(uri.removeprefix(_SQLITE)), seconds)
        return
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or parts.hostname is None:
        return
    secure = parts.scheme == "https"
    try:
        if secure:  # certificates are left to MLflow, which may know further authorities
            socket.create_connection((parts.hostname, parts.port or 443), timeout=seconds).close()
            return
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
        try:
            connection.request("HEAD", "/health")
            connection.getresponse()
        finally:
            connection.close()
    except (OSError, http.client.HTTPException) as err:
        what = "no answer" if isinstance(err, TimeoutError) else err
        raise TrackingAway(
            f"MLflow at {without_secrets(uri)}: {what}",
            expected="a tracking server that answers",
            fix="Start it, or fix NETGAIN_MLFLOW_URI.",
        ) from err


def _probe_store(path: Path, seconds: float) -> None:
    if not path.is_file():
        return  # the first night makes it
    try:
        with closing(sqlite3.connect(path, timeout=seconds, isolation_level=None)) as store:
            store.execute("BEGIN IMMEDIATE")
            wrong = store.execute("PRAGMA quick_check(1)").fetchone()[0]
            store.execute("ROLLBACK")
    except sqlite3.Error as err:
        if getattr(err, "sqlite_errorcode", 0) & 0xFF in _NOT_DAMAGE:
            raise TrackingAway(
                f"MLflow's store {path} cannot be written: {err}",
                expected="a store that this user may write, and nothing else holds",
                fix="End what holds it, wait for it, or see who owns it.",
            ) from err
        wrong = str(err)
    if wrong != "ok":
        raise StoreDamaged(
            f"MLflow's store {path} is damaged: {wrong.splitlines()[-1]}",
            expected="a whole SQLite database",
            fix="Restore it from a backup, or move it away: the next night makes a new one.",
        )
