"""Tokens, the key that they are made with, and recipes that compute them elsewhere."""

import hashlib
import hmac
import re
import subprocess
import sys
import unicodedata
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import SettingsError
from pipeline.identity.key import own_key, record_key, recorded_key, require_key, workspace_key
from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY, TOKEN, fingerprint, token_of, tokens_of
from pipeline.settings import Settings, load_settings
from pipeline.state.rows import transaction

KEY, OTHER = b"k" * 32, b"o" * 32
PRIVACY = Path(__file__).parents[2] / "docs" / "explanation" / "privacy.md"
IDS = ["L000042", "alice", "alice.smith", "zoë", "Zoe\u0308", "a b|c,d@e", '"quoted"', "it's", "42", "名前", " spaced "]


def settings(workspace: Path, key: bytes | None = None) -> Settings:
    return load_settings({"NETGAIN_ID_KEY": key.decode()} if key else {}, workspace=workspace)


@given(listener_id=st.text(min_size=1), key=st.binary(min_size=16))
def test_a_token_is_half_of_the_hmac_of_the_composed_id(listener_id: str, key: bytes) -> None:
    message = unicodedata.normalize("NFC", listener_id).encode("utf-8", "surrogatepass")
    assert token_of(listener_id, key) == hmac.new(key, message, hashlib.sha256).hexdigest()[:32]
    assert TOKEN.fullmatch(token_of(listener_id, key))


def test_one_name_in_two_spellings_is_one_listener() -> None:
    assert token_of("Zoe\u0308", KEY) == token_of("Zo\u00eb", KEY) != token_of("Zoe", KEY)


def test_a_column_is_tokenised_as_its_values_are() -> None:
    ids = pl.Series("listener_id", [*IDS, None, *IDS], dtype=pl.String)
    found = tokens_of(ids, KEY)
    assert found.name == "listener_id"
    assert found.to_list() == [None if each is None else token_of(each, KEY) for each in ids]
    assert tokens_of(pl.Series([], dtype=pl.String), KEY).to_list() == []


def test_without_a_key_all_workspaces_have_the_same_tokens(tmp_path: Path) -> None:
    assert workspace_key(settings(tmp_path / "a")) == workspace_key(settings(tmp_path / "b")) == OPEN_KEY
    assert token_of("L000042", OPEN_KEY) == hmac.new(OPEN_KEY, b"L000042", "sha256").hexdigest()[:32]


def test_a_key_other_than_that_of_the_workspace_is_refused(tmp_path: Path) -> None:
    with transaction(settings(tmp_path).state) as state:
        record_key(state, KEY)
    assert recorded_key(settings(tmp_path).state) == fingerprint(KEY)
    assert workspace_key(settings(tmp_path, KEY)) == KEY
    with pytest.raises(SettingsError, match=f"is not the key of this workspace.*{fingerprint(KEY)}"):
        workspace_key(settings(tmp_path, OTHER))
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY is not set"):
        workspace_key(settings(tmp_path))


def test_a_key_for_a_workspace_that_had_none_is_refused_with_the_command_to_run(tmp_path: Path) -> None:
    with transaction(settings(tmp_path).state) as state:
        record_key(state, OPEN_KEY)
    assert workspace_key(settings(tmp_path)) == own_key(settings(tmp_path)) == OPEN_KEY
    with pytest.raises(SettingsError, match="netgain state rekey"):
        workspace_key(settings(tmp_path, KEY))
    with pytest.raises(SettingsError, match="netgain state rekey"):
        require_key(KEY, OPEN_FINGERPRINT, of="the open night")


def test_a_fingerprint_tells_keys_apart_and_is_not_the_key() -> None:
    assert fingerprint(KEY) != fingerprint(OTHER)
    assert fingerprint(OPEN_KEY) == OPEN_FINGERPRINT
    assert "k" * 32 not in repr(load_settings({"NETGAIN_ID_KEY": "k" * 32})) + fingerprint(KEY)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY of 3 bytes; expected at least 16"):
        load_settings({"NETGAIN_ID_KEY": "abc"})


def recipe(language: str) -> str:
    (text,) = re.findall(rf"<!-- recipe -->\n```{language}\n(.*?)```", PRIVACY.read_text(encoding="utf-8"), re.DOTALL)
    return str(text)


@pytest.mark.parametrize("key", [KEY, OPEN_KEY])
def test_the_recipe_in_python_gives_the_tokens(key: bytes) -> None:
    names: dict[str, object] = {"KEY": key.decode()}
    exec(recipe("python"), names)
    token = names["token"]
    assert callable(token)
    assert [token(each) for each in IDS] == [token_of(each, key) for each in IDS]


def test_the_recipe_for_postgresql_gives_the_tokens() -> None:
    import sqlalchemy as sa

    from tests.state.postgres import cluster, missing

    if (why := missing()) is not None:
        pytest.skip(why)
    with cluster() as uri:
        engine = sa.create_engine(uri)
        with engine.begin() as connection:
            if not connection.execute(
                sa.text("select 1 from pg_available_extensions where name = 'pgcrypto'")
            ).scalar():
                pytest.skip("this PostgreSQL has no pgcrypto")
            connection.exec_driver_sql("create extension pgcrypto")
            connection.exec_driver_sql("create table listeners (id text)")
            connection.execute(sa.text("insert into listeners values (:id)"), [{"id": each} for each in IDS])
            query = sa.text(recipe("sql"))
            found = dict(connection.execute(query, {"key": KEY.decode()}).tuples().all())
        engine.dispose()
    assert found == {each: token_of(each, KEY) for each in IDS}


def test_the_command_prints_a_token_for_each_id_and_reads_a_file(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("zoë\n\n spaced \r\n", encoding="utf-8")
    command = [str(Path(sys.executable).parent / "netgain"), "token", "L000042", "--file", "ids.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True, env={"PATH": ""})
    assert done.stdout.split() == [token_of(each, OPEN_KEY) for each in ("L000042", "zoë", " spaced ")]
    assert list(tmp_path.iterdir()) == [tmp_path / "ids.txt"]
