"""Lists go to files and databases whole, the same again, and under the service's own ids where it brings them."""

from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.releases.release import current
from pipeline.serving.export import lists_of, write_database
from tests.serving.made import make_release
from tests.state.postgres import cluster, missing

KEY = "k" * 32


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_release(tmp_path / "releases", tmp_path / "night")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["export", *arguments], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_a_file_holds_every_list_and_is_the_same_again(place: Path) -> None:
    assert "15 rows of 3 listeners" in run("lists.parquet")
    first = (place / "lists.parquet").read_bytes()
    run("lists.parquet")
    assert (place / "lists.parquet").read_bytes() == first
    assert pq.read_table(place / "lists.parquet").column_names[-1] == "release"
    run("lists.csv")
    table = pl.read_csv(place / "lists.csv")
    assert table.filter(listener_id=token_of("ann", OPEN_KEY), rank=1)["item_id"].to_list() == ["i2"]


def test_a_caller_who_brings_ids_gets_these_back_in_place_of_tokens(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_release(place / "releases", place / "keyed", "2026-02-13", listeners=("ann", "x"), key=KEY.encode())
    (place / "ids").write_text("ann\nzoe\n")
    refused = CliRunner().invoke(app, ["export", "own.parquet", "--listeners", "ids"])
    assert "NETGAIN_ID_KEY is not set" in str(refused.exception)
    monkeypatch.setenv("NETGAIN_ID_KEY", KEY)
    run("own.parquet", "--listeners", "ids")
    assert set(pq.read_table(place / "own.parquet")["listener_id"].to_pylist()) == {"ann"}


def test_a_table_of_a_database_is_replaced_as_a_whole(place: Path) -> None:
    for _ in range(2):
        run(f"sqlite:///{place}/out.db", "--table", "lists")
    engine = sa.create_engine(f"sqlite:///{place}/out.db")
    with engine.connect() as connection:
        assert connection.execute(sa.text("select count(*) from lists")).scalar() == 15
        assert sa.inspect(connection).get_table_names() == ["lists"]
    engine.dispose()


def test_what_cannot_be_written_is_one_line(place: Path) -> None:
    for arguments, message in (
        (["lists.txt"], "expected a name with .parquet or .csv"),
        (["nothing://x"], "driver is not known"),
        (["sqlite:////nowhere/at/all.db"], "did not take the lists"),
        (["sqlite:///x.db", "--table", "a; drop"], "letters, digits and _"),
        (["a.csv", "--listeners", "missing"], "one id a line"),
        (["a.csv", "--release", "2026-01-01-000000000000"], "no readable manifest"),
    ):
        done = CliRunner().invoke(app, ["export", *arguments])
        assert message in str(done.exception), arguments


@pytest.mark.skipif(missing() is not None, reason=str(missing()))
def test_a_table_of_postgresql_is_replaced_as_a_whole(place: Path) -> None:
    lists = lists_of(current(place / "releases"), listeners=None, key=OPEN_KEY)
    with cluster() as uri:
        for _ in range(2):
            write_database(uri, "netgain_lists", lists)
        engine = sa.create_engine(uri)
        with engine.connect() as connection:
            assert connection.execute(sa.text("select count(*) from netgain_lists")).scalar() == lists.num_rows
            assert connection.execute(sa.text("select to_regclass('netgain_lists_new')")).scalar() is None
        engine.dispose()
