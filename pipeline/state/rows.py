"""Entries of the log tables, in the order in which they were entered."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pipeline.state.location import Where

if TYPE_CHECKING:
    import sqlalchemy as sa

Entry = dict[str, Any]


class Rows:
    """The log tables within one transaction; `connection` reaches the others."""

    def __init__(self, connection: "sa.Connection") -> None:
        self.connection = connection

    def entries(self, table: str) -> list[Entry]:
        """Return all entries, the oldest first."""
        import sqlalchemy as sa

        from pipeline.state.schema import LOGS

        columns = LOGS[table].c
        return list(self.connection.execute(sa.select(columns.body).order_by(columns.id)).scalars())

    def append(self, table: str, *entries: Entry) -> None:
        """Add entries after all existing ones."""
        import sqlalchemy as sa

        from pipeline.state.schema import LOGS

        copied = [column.name for column in LOGS[table].c if column.name not in ("id", "body")]
        rows = [{name: entry.get(name) for name in copied} | {"body": entry} for entry in entries]
        if rows:
            self.connection.execute(sa.insert(LOGS[table]), rows)

    def remove(self, table: str, **where: str) -> None:
        """Delete the rows whose columns have these values; all of them without any."""
        import sqlalchemy as sa

        from pipeline.state.schema import LOGS

        columns = LOGS[table].c
        self.connection.execute(sa.delete(LOGS[table]).where(*(columns[name] == v for name, v in where.items())))

    def setting(self, key: str) -> str | None:
        """Return a value of `meta`; None if it is not set."""
        import sqlalchemy as sa

        from pipeline.state.schema import META

        found: str | None = self.connection.execute(sa.select(META.c.value).where(META.c.key == key)).scalar()
        return found

    def set(self, key: str, value: str) -> None:
        """Add a value to `meta`."""
        import sqlalchemy as sa

        from pipeline.state.schema import META

        self.connection.execute(sa.insert(META).values(key=key, value=value))

    def unset(self, key: str) -> None:
        """Remove a value from `meta`, if it is there."""
        import sqlalchemy as sa

        from pipeline.state.schema import META

        self.connection.execute(sa.delete(META).where(META.c.key == key))

    def replace(self, table: str, entries: list[Entry]) -> None:
        """Replace all entries."""
        self.remove(table)
        self.append(table, *entries)


@contextmanager
def transaction(where: Where) -> Iterator[Rows]:
    """Yield the tables for reading and writing; all changes are undone if the block raises.

    Raises:
        TableError, TransientError: as `pipeline.state.database.writing`.
    """
    from pipeline.state.database import writing

    with writing(where) as connection:
        yield Rows(connection)


@contextmanager
def snapshot(where: Where) -> Iterator[Rows]:
    """Yield the tables for reading; a missing database reads as an empty one.

    Raises:
        TableError, TransientError: as `pipeline.state.database.reading`.
    """
    from pipeline.state.database import reading

    with reading(where) as connection:
        yield Rows(connection)


def entries(where: Where, table: str) -> list[Entry]:
    """Return all entries of a log table, the oldest first."""
    with snapshot(where) as state:
        return state.entries(table)


def append(where: Where, table: str, *new: Entry) -> None:
    """Add entries to a log table in a transaction of their own."""
    with transaction(where) as state:
        state.append(table, *new)
