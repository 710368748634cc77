"""The state database: transactions are whole or nothing, one at a time, and damage is named."""

import errno
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.erasure.sought import Sought
from pipeline.errors import SettingsError, TableError, TransientError
from pipeline.releases.required_state import require_state
from pipeline.settings import StateStore, load_settings
from pipeline.state.backup import dump, load
from pipeline.state.database import check, exists, reading, writing
from pipeline.state.erasure import overwrite_in_rows, scan_server, scrub
from pipeline.state.lease import acquire
from pipeline.state.location import FILE
from pipeline.state.rows import Rows, append, entries, snapshot, transaction
from pipeline.state.schema import META, VERSION, version_of
from tests.state.postgres import missing

ZOE = "0123456789abcdef0123456789abcdef"
ENTRY = {"by": "ann", "reason": "a line\u2028of \x85 two \n lines", "share": float("inf"), "nested": [1, None, 0.1]}


def test_entries_are_read_as_they_were_entered_and_in_that_order(store: StateStore) -> None:
    for n in range(12):
        append(store, "overrides", ENTRY | {"n": n})
    assert entries(store, "overrides") == [ENTRY | {"n": n} for n in range(12)]
    assert exists(store)
    check(store)


def test_a_command_that_needs_no_state_does_not_import_sqlalchemy() -> None:
    code = (
        "import sys, pipeline.cli.app, pipeline.stages.context, pipeline.effects.perform, pipeline.releases.rollback\n"
        "sys.exit('sqlalchemy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_reading_a_database_that_is_not_there_finds_nothing_and_makes_none(tmp_path: Path) -> None:
    assert entries(tmp_path / "ledger", "landed") == []
    assert not exists(tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()


def test_a_transaction_that_fails_leaves_nothing(store: StateStore) -> None:
    append(store, "overrides", {"n": 0})

    def interrupted() -> None:
        with transaction(store) as state:
            state.append("overrides", {"n": 1})
            state.remove("overrides", by="ann")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert entries(store, "overrides") == [{"n": 0}]


def test_a_snapshot_does_not_see_what_is_entered_meanwhile(postgres: StateStore) -> None:
    append(postgres, "overrides", {"n": 0})
    with snapshot(postgres) as state:
        assert len(state.entries("overrides")) == 1
        append(postgres, "overrides", {"n": 1})
        assert len(state.entries("overrides")) == 1


WRITER = """
import sys
from pathlib import Path
from pipeline.settings import StateStore
from pipeline.state.lease import acquire
from pipeline.state.rows import append, transaction
store = StateStore(Path(sys.argv[1]), sys.argv[2] or None)
for n in range(10):
    print(acquire(store, as_of="2026-01-10", owner=sys.argv[3])[0].token)
    append(store, "overrides", {"by": sys.argv[3], "n": n})
    with transaction(store) as state:
        before = state.entries("monitor")
        state.replace("monitor", [{"as_of": "2026-01-10", "n": before[0]["n"] + 1 if before else 1}])
"""


def test_processes_that_write_at_once_lose_nothing_and_share_no_token(store: StateStore) -> None:
    """Three processes begin with an empty store: one of them makes it."""
    command = [sys.executable, "-c", WRITER, str(store.folder), store.uri or ""]
    writers = [subprocess.Popen([*command, who], stdout=subprocess.PIPE, text=True) for who in ("a", "b", "c")]
    tokens = [int(line) for writer in writers for line in writer.communicate()[0].split()]
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert sorted(tokens) == list(range(1, 31))
    found = entries(store, "overrides")
    assert all([e["n"] for e in found if e["by"] == who] == list(range(10)) for who in ("a", "b", "c"))
    assert entries(store, "monitor") == [{"as_of": "2026-01-10", "n": 30}]


KILLED = """
import os, signal, sys
from pathlib import Path
from pipeline.settings import StateStore
from pipeline.state.rows import transaction
with transaction(StateStore(Path(sys.argv[1]), sys.argv[2] or None)) as state:
    state.replace("overrides", [{"n": n, "text": "x" * 1000} for n in range(5000)])
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_process_that_is_killed_in_a_transaction_leaves_nothing_of_it(store: StateStore) -> None:
    append(store, "overrides", {"n": 0})
    command = [sys.executable, "-c", KILLED, str(store.folder), store.uri or ""]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    check(store)
    assert entries(store, "overrides") == [{"n": 0}]
    append(store, "overrides", {"n": 1})


def test_a_commit_is_there_after_the_process_is_killed(tmp_path: Path) -> None:
    pid = os.fork()
    if not pid:
        append(tmp_path, "overrides", {"n": 0})
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)
    assert entries(tmp_path, "overrides") == [{"n": 0}]


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    append(tmp_path, "overrides", {})
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


def test_cut_off_anywhere_it_is_refused_by_name_and_left_as_it_is(tmp_path: Path) -> None:
    append(tmp_path, "overrides", *({"n": n, "text": "x" * 500} for n in range(100)))
    whole = (tmp_path / FILE).read_bytes()
    for size in (0, 1, 50, 4096, len(whole) // 2, len(whole) - 4096, len(whole) - 1):
        (tmp_path / FILE).write_bytes(whole[:size])
        for act in (lambda: check(tmp_path), lambda: append(tmp_path, "overrides", {})):
            with pytest.raises(TableError, match=r"netgain\.db is (damaged|missing or empty)") as refused:
                act()
            assert "netgain state load" in refused.value.fix
        assert (tmp_path / FILE).stat().st_size == size
    (tmp_path / FILE).write_bytes(whole)
    check(tmp_path)


def test_a_page_of_other_bytes_is_found_by_the_check(tmp_path: Path) -> None:
    append(tmp_path, "overrides", *({"n": n, "text": "x" * 500} for n in range(100)))
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole[:-4096] + b"\xa5" * 4096)
    with pytest.raises(TableError, match="is damaged"):
        check(tmp_path)


def test_a_database_that_was_there_and_is_gone_is_not_begun_anew(tmp_path: Path) -> None:
    append(tmp_path, "overrides", {})
    (tmp_path / FILE).unlink()
    for act in (lambda: entries(tmp_path, "overrides"), lambda: append(tmp_path, "overrides", {})):
        with pytest.raises(TableError, match=r"netgain\.db is missing or empty: it was there before"):
            act()
    assert not (tmp_path / FILE).exists()


def test_a_night_on_releases_whose_whole_ledger_is_gone_is_refused_until_it_is_begun_anew(tmp_path: Path) -> None:
    settings = load_settings({}, workspace=tmp_path)
    require_state(settings)
    (settings.releases / "2026-01-10-000000000000").mkdir(parents=True)
    with pytest.raises(
        TableError, match=r"netgain\.db is missing or empty: .*releases holds 1 release of earlier nights"
    ):
        require_state(settings)
    with writing(settings.state, anew=True):
        pass
    require_state(settings)


def test_one_of_a_later_netgain_is_refused(store: StateStore) -> None:
    with writing(store) as connection:
        connection.execute(sa.update(META).where(META.c.key == "schema").values(value=str(VERSION + 1)))
    for act in (lambda: entries(store, "overrides"), lambda: append(store, "overrides", {})):
        with pytest.raises(TableError, match=f"has schema {VERSION + 1}; expected {VERSION} or less"):
            act()


def test_one_that_another_process_holds_for_too_long_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.state.database._BUSY_SECONDS", 0.1)
    append(tmp_path, "overrides", {})
    holder = sqlite3.connect(tmp_path / FILE, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(TransientError, match="is in use"):
        append(tmp_path, "overrides", {})
    assert entries(tmp_path, "overrides") == [{}]
    holder.close()


def test_a_full_disk_is_reported_as_one_and_nothing_of_the_transaction_is_kept(tmp_path: Path) -> None:
    """SQLite's own limit on pages stands for the disk's."""
    append(tmp_path, "overrides", {"n": 0})

    def fill() -> None:
        with transaction(tmp_path) as state:
            state.connection.exec_driver_sql("PRAGMA max_page_count = 1")
            state.append("overrides", *({"text": "x" * 1000} for _ in range(1000)))

    with pytest.raises(OSError, match="No space left on device") as full:
        fill()
    assert full.value.errno == errno.ENOSPC
    assert entries(tmp_path, "overrides") == [{"n": 0}]
    append(tmp_path, "overrides", {"n": 1})


def test_a_server_that_does_not_answer_is_transient_and_no_password_is_shown(tmp_path: Path) -> None:
    if (why := missing()) is not None:
        pytest.skip(why)
    away = StateStore(tmp_path, "postgresql+psycopg://ann:secret@127.0.0.1:9/state")
    with pytest.raises(TransientError, match="does not answer") as refused:
        entries(away, "overrides")
    assert "secret" not in str(refused.value) + repr(away)


@pytest.mark.parametrize("uri", ["mysql://host/state", "secret", "postgresql:", "sqlite:///x.db"])
def test_a_uri_of_another_kind_is_refused_without_showing_it(uri: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NETGAIN_STATE_URI names no PostgreSQL database") as refused:
        load_settings({"NETGAIN_STATE_URI": uri}, workspace=tmp_path)
    assert "secret" not in str(refused.value)
    settings = load_settings({"NETGAIN_STATE_URI": "postgresql://host/state"}, workspace=tmp_path)
    assert settings.state == StateStore(tmp_path / "ledger", "postgresql+psycopg://host/state")


def test_what_was_deleted_is_in_no_byte_of_the_file(tmp_path: Path) -> None:
    append(tmp_path, "landed", *({"kind": "accepted", "path": f"zoe-{n}/" + "x" * 900} for n in range(50)))
    assert b"zoe-" in (tmp_path / FILE).read_bytes()
    size = (tmp_path / FILE).stat().st_size
    with transaction(tmp_path) as state:
        state.remove("landed")
    assert b"zoe-" not in (tmp_path / FILE).read_bytes()
    scrub(tmp_path)
    assert (tmp_path / FILE).stat().st_size < size
    check(tmp_path)


def test_tokens_are_overwritten_in_entries_and_in_nothing_else(store: StateStore) -> None:
    append(
        store, "monitor", {"as_of": "2026-01-10", "file": f"{ZOE}/a.json", "sha256": ZOE * 2}, {"as_of": "2026-01-11"}
    )
    assert overwrite_in_rows(store, {ZOE}) == 1
    assert [entry.get("file") for entry in entries(store, "monitor")] == ["erased listener/a.json", None]
    assert overwrite_in_rows(store, {ZOE}) == 0


def test_names_on_a_server_are_found_by_table(postgres: StateStore, tmp_path: Path) -> None:
    sought = Sought(frozenset({ZOE})).in_bytes
    append(postgres, "landed", {"kind": "accepted", "path": f"{ZOE}/plays.jsonl"})
    assert scan_server(postgres, sought) == ["state database: landed"]
    with transaction(postgres) as state:
        state.remove("landed")
    scrub(postgres)
    assert scan_server(postgres, sought) == []
    assert scan_server(tmp_path / "ledger", sought) == []


def filled(store: StateStore) -> list[list[dict[str, object]]]:
    append(store, "overrides", ENTRY, {"n": 1})
    append(store, "analyses", {"as_of": "2026-01-10", "inputs": "a"})
    acquire(store, as_of="2026-01-10", owner=None)
    with transaction(store) as state:
        state.set("erasure_salt", "0f")
    return content(store)


def content(store: StateStore) -> list[list[dict[str, object]]]:
    with reading(store) as connection:
        assert version_of(connection) == VERSION
        salt = Rows(connection).setting("erasure_salt")
    return [entries(store, "overrides"), entries(store, "analyses"), [{"salt": salt}]]


def test_a_dump_is_loaded_into_an_empty_database_of_either_kind_and_into_no_other(
    store: StateStore, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    before, path = filled(store), tmp_path / "dump.jsonl"
    assert dump(store, path) == 5
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(TableError, match="is not empty"):
        load(store, path)
    kinds = [StateStore(tmp_path / "other")]
    if missing() is None:
        kinds.append(request.getfixturevalue("postgres"))
    for other in (kind for kind in kinds if kind != store):
        assert load(other, path) == 5
        assert content(other) == before
        assert acquire(other, as_of="2026-01-11", owner=None)[0].token == 2
        append(other, "overrides", {"n": 2})
        assert entries(other, "overrides")[2] == {"n": 2}


@pytest.mark.parametrize("cut", [1, 30, 200])
def test_a_dump_that_was_cut_off_is_refused_and_nothing_of_it_loaded(tmp_path: Path, cut: int) -> None:
    filled(StateStore(tmp_path / "ledger"))
    dump(tmp_path / "ledger", tmp_path / "dump.jsonl")
    text = (tmp_path / "dump.jsonl").read_text(encoding="utf-8")
    (tmp_path / "dump.jsonl").write_text(text[:-cut], encoding="utf-8")
    with pytest.raises(TableError, match="cannot be loaded: it is cut off"):
        load(tmp_path / "other", tmp_path / "dump.jsonl")
    assert not exists(tmp_path / "other")
