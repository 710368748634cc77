"""Tables of the state database, and the numbered migrations that make them (ADR 0016).

A row of a log table holds the whole entry as JSON in `body`; the columns beside it are copies, for constraints and for
people who query with SQL.
"""

import json
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""SQLite numbers rows by itself only if the key is declared INTEGER."""


class Json(sa.TypeDecorator[dict[str, Any]]):
    """JSON as text: PostgreSQL's own type refuses NaN, which a metric may be."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: dict[str, Any] | None, dialect: sa.Dialect) -> str:
        """Return the text of an entry; keys sorted, so that equal entries have equal text."""
        return json.dumps(value, sort_keys=True, ensure_ascii=False)

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> dict[str, Any]:
        """Return the entry."""
        entry: dict[str, Any] = json.loads(value)
        return entry


def _log(name: str, *columns: sa.Column[str], unique: tuple[str, ...] = ()) -> sa.Table:
    """Return a table whose rows are read in the order in which they were entered; ids are never used twice."""
    return sa.Table(
        name,
        METADATA,
        sa.Column("id", _ID, primary_key=True, autoincrement=True),
        *columns,
        sa.Column("body", Json, nullable=False),
        *([sa.UniqueConstraint(*unique)] if unique else []),
        sqlite_autoincrement=True,
    )


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable)


META = sa.Table("meta", METADATA, sa.Column("key", sa.Text, primary_key=True), _text("value", nullable=False))
"""`schema`, the version of the tables; `erasure_salt`; `id_key`, the fingerprint of the key of tokens; `migrated_at`,
when the files of an old ledger were taken in."""

LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("token", _ID, primary_key=True, autoincrement=False),
    _text("as_of", nullable=False),
    _text("owner"),
    sa.Column("pid", sa.Integer, nullable=False),
    _text("host", nullable=False),
    sa.Column("started", sa.BigInteger, nullable=False),
    _text("ended"),
    sa.Column("beat_at", sa.Float(53), nullable=False),
)
"""One row for each night that was opened; `beat_at` is its last heartbeat [s since 1970]."""

INFLUENCES = sa.Table("influence_files", METADATA, sa.Column("name", sa.Text, primary_key=True))
"""Analyses whose table of influences lies, complete, in influence/<name>.parquet."""

_NIGHTLY = ("as_of", "experiment")

LOGS = {
    table.name: table
    for table in (
        _log("analyses", _text("as_of", nullable=False), _text("inputs", nullable=False), unique=("as_of", "inputs")),
        _log("overrides", *(_text(name) for name in ("recipe", "by", "since", "until"))),
        _log("landed", *(_text(name) for name in ("kind", "as_of", "root", "format", "path"))),
        _log("rollbacks", *(_text(name) for name in ("from", "to", "by", "when"))),
        _log("erasures", *(_text(name) for name in ("when", "by"))),
        _log("outbox", _text("kind"), _text("key"), _text("folder"), unique=("kind", "key")),
        _log("monitor", _text("as_of", nullable=False), unique=("as_of",)),
        _log("experiments", *(_text(n, nullable=False) for n in _NIGHTLY), unique=_NIGHTLY),
        _log("experiment_requests", *(_text(name) for name in ("kind", "experiment", "by", "when"))),
    )
}
"""Tables of entries, by name."""


def _first(connection: sa.Connection) -> None:
    METADATA.create_all(connection)


def _second(connection: sa.Connection) -> None:
    """Index influences by date and inputs. Those by date alone are of another rule, and held listeners' ids."""
    METADATA.create_all(connection)
    connection.execute(sa.text("DROP TABLE IF EXISTS influences"))


def _third(connection: sa.Connection) -> None:
    """Add the tables of experiments."""
    METADATA.create_all(connection)


MIGRATIONS: tuple[Callable[[sa.Connection], None], ...] = (_first, _second, _third)
"""The n-th one (from 1) leads to version n. Once released, one is never changed: a later one is added."""
VERSION = len(MIGRATIONS)


def version_of(connection: sa.Connection) -> int:
    """Return the version of a database's tables; 0 if it has none."""
    if not sa.inspect(connection).has_table(META.name):
        return 0
    found = connection.execute(sa.select(META.c.value).where(META.c.key == "schema")).scalar()
    return int(found) if found is not None else 0


def upgrade(connection: sa.Connection, version: int) -> None:
    """Run the migrations that follow a version."""
    for migration in MIGRATIONS[version:]:
        migration(connection)
    connection.execute(sa.delete(META).where(META.c.key == "schema"))
    connection.execute(sa.insert(META).values(key="schema", value=str(VERSION)))
