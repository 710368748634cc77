"""Lists for other programs: Parquet, CSV, or a table of a database. Written whole or not at all, and the same again."""

import secrets
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from pipeline.errors import ParamsError, ReleaseError, SettingsError, TransientError
from pipeline.identity.tokens import token_of
from pipeline.releases.lookup import require_key_of
from pipeline.releases.release import Release
from pipeline.storage.atomic import atomic_path
from pipeline.storage.schemas import LISTS
from pipeline.storage.tables import conform

if TYPE_CHECKING:
    import sqlalchemy as sa

_BATCH = 20_000


def lists_of(release: Release, *, listeners: Collection[str] | None, key: bytes) -> pa.Table:
    """Return the lists of a release.

    Args:
        release: the release.
        listeners: ids of the service's own: only these listeners are exported, under these ids. None for all
            listeners, as tokens.
        key: of this machine, see `pipeline.identity.key.own_key`.

    Returns:
        LISTS with the column `release`, sorted by listener_id and rank.

    Raises:
        ReleaseError: the lists cannot be read, or the release is from before tokens.
        SettingsError: the release's tokens were made with another key.
    """
    try:
        table = conform(pq.read_table(release.lists), LISTS)
    except (OSError, pa.ArrowInvalid) as err:
        raise ReleaseError(
            f"release {release.id}: its lists cannot be read: {err}", expected="Parquet", fix="See `netgain doctor`."
        ) from err
    if listeners is not None:
        require_key_of(release, key)
        own = {token_of(each, key): each for each in listeners}
        table = table.filter(pc.is_in(table["listener_id"], pa.array(own, pa.string())))
        renamed = pa.array([own[name] for name in table["listener_id"].to_pylist()], pa.string())
        table = table.set_column(0, LISTS.field("listener_id"), renamed)
        table = table.sort_by([("listener_id", "ascending"), ("rank", "ascending")])
    return table.append_column("release", pa.array([release.id] * table.num_rows, pa.string()))


def write_file(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet or CSV, by the name of the file.

    Raises:
        ParamsError: the name ends with neither .parquet nor .csv.
    """
    if path.suffix not in (".parquet", ".csv"):
        raise ParamsError(
            f"a file named {path.name}", expected="a name with .parquet or .csv, or a database's URI", fix="Rename it."
        )
    with atomic_path(path) as temporary:
        if path.suffix == ".csv":
            pyarrow.csv.write_csv(table, temporary)
        else:
            pq.write_table(table, temporary, compression="zstd", store_schema=False)


def write_database(uri: str, name: str, table: pa.Table) -> None:
    """Write a table into a database, in the place of an earlier one of the name: readers see the old or the new one.

    Raises:
        ParamsError: the name is not a plain word.
        SettingsError: the URI or its driver is not known.
        TransientError: the database cannot be reached, or refuses it.
    """
    import sqlalchemy as sa

    if not name.isidentifier() or not name.isascii():
        raise ParamsError(f"a table named {name[:40]!r}", expected="letters, digits and _", fix="Rename it.")
    try:
        engine = sa.create_engine(uri.replace("postgresql://", "postgresql+psycopg://", 1))
    except (sa.exc.ArgumentError, ImportError) as err:
        raise SettingsError(
            "the database's URI or driver is not known",
            expected="postgresql://user@host/database, or sqlite:///file",
            fix="Correct it; PostgreSQL needs the extra `postgres`.",
        ) from err
    # An index keeps its name when its table is renamed, and the next export must not meet it.
    key = sa.PrimaryKeyConstraint("listener_id", "rank", name=f"{name}_{secrets.token_hex(4)}")
    fresh = sa.Table(f"{name}_new", sa.MetaData(), *_columns(), key)
    try:
        with engine.begin() as connection:
            fresh.drop(connection, checkfirst=True)
            fresh.create(connection)
            for rows in _rows(table):
                connection.execute(sa.insert(fresh), rows)
            quote = connection.dialect.identifier_preparer.quote
            connection.execute(sa.text(f"drop table if exists {quote(name)}"))
            connection.execute(sa.text(f"alter table {quote(fresh.name)} rename to {quote(name)}"))
    except sa.exc.SQLAlchemyError as err:
        kind = type(getattr(err, "orig", None) or err).__name__
        raise TransientError(
            f"the database did not take the lists ({kind})", expected="a database that can be written", fix="Try again."
        ) from err
    finally:
        engine.dispose()


def _columns() -> "list[sa.Column[Any]]":
    import sqlalchemy as sa

    return [
        sa.Column("listener_id", sa.Text, nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("item_id", sa.Text, nullable=False),
        sa.Column("item_name", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("release", sa.Text, nullable=False),
    ]


def _rows(table: pa.Table) -> Iterator[list[dict[str, Any]]]:
    for batch in table.to_batches(max_chunksize=_BATCH):
        if batch.num_rows:
            yield batch.to_pylist()
