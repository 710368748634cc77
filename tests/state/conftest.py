"""A store on each of the databases: SQLite, and PostgreSQL where it is installed."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.settings import StateStore
from tests.state.postgres import cluster, missing

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    if (why := missing()) is not None:
        pytest.skip(why)
    with cluster() as uri:
        yield uri


@pytest.fixture
def postgres(server: str, tmp_path: Path) -> StateStore:
    """A store in an empty database of its own on the server."""
    name = f"state_{next(_NUMBERS)}"
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return StateStore(tmp_path / "ledger", server.replace("/postgres?", f"/{name}?"))


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> StateStore:
    """An empty store on each database."""
    if request.param == "sqlite":
        return StateStore(tmp_path / "ledger")
    found: StateStore = request.getfixturevalue("postgres")
    return found
