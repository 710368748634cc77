"""One night at a time: tokens only grow, and a holder of an old one writes nothing."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from pipeline.effects import publish
from pipeline.effects.perform import perform
from pipeline.errors import TransientError
from pipeline.nightly.workspace_lock import require_free, take_over
from pipeline.releases.release import current
from pipeline.settings import StateStore, load_settings
from pipeline.stages.context import open_context
from pipeline.state.database import reading
from pipeline.state.lease import LeaseLost, acquire, close, held, idle_seconds, in_force, is_alive
from pipeline.state.rows import entries
from pipeline.state.schema import LEASES
from tests.stages.nights import plant_night
from tests.state.leases import alter


def test_numbers_only_grow_whoever_takes_them_at_once(store: StateStore) -> None:
    with ThreadPoolExecutor(16) as pool:
        taken = list(pool.map(lambda _: acquire(store, as_of="2026-01-10", owner=None)[0].token, range(64)))
    assert sorted(taken) == list(range(1, 65))


def test_old_leases_are_forgotten_and_tokens_go_on(store: StateStore) -> None:
    for _ in range(103):
        acquire(store, as_of="2026-01-10", owner=None)
    with reading(store) as connection:
        assert sorted(connection.execute(sa.select(LEASES.c.token)).scalars()) == list(range(4, 104))
    assert acquire(store, as_of="2026-01-11", owner=None)[0].token == 104


def test_who_was_overtaken_is_turned_away(store: StateStore) -> None:
    old, _ = acquire(store, as_of="2026-01-10", owner=None)
    with held(store, old):
        pass
    acquire(store, as_of="2026-01-11", owner=None)
    with pytest.raises(LeaseLost, match=r"2026-01-10 .* was overtaken by the night of 2026-01-11"), held(store, old):
        pass


def test_the_night_before_is_told_of_only_where_it_did_not_end(store: StateStore) -> None:
    first, before = acquire(store, as_of="2026-01-10", owner=None)
    assert before is None
    second, before = acquire(store, as_of="2026-01-11", owner=None)
    assert before == first
    close(store, second, "done")
    assert acquire(store, as_of="2026-01-12", owner=None)[1] is None


def test_a_night_that_was_overtaken_does_not_close_the_later_one(store: StateStore) -> None:
    old, _ = acquire(store, as_of="2026-01-10", owner=None)
    new, _ = acquire(store, as_of="2026-01-11", owner=None)
    close(store, old, "done")
    assert in_force(store) == new


def test_a_process_is_told_from_a_later_one_with_its_number(store: StateStore) -> None:
    lease, _ = acquire(store, as_of="2026-01-10", owner=None)
    assert is_alive(lease) is True
    assert is_alive(replace(lease, started=lease.started - 1)) is False
    assert is_alive(replace(lease, host="elsewhere")) is None


def test_a_night_of_many_processes_is_left_alone_until_it_is_silent(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    settings = load_settings({"NETGAIN_OWNER": "run-1"}, workspace=tmp_path)
    take_over(settings, as_of="2026-01-10")
    other = replace(settings, owner="run-2")
    with pytest.raises(TransientError, match=r"run-1, process .* has not finished; its last heartbeat was 0 s ago"):
        require_free(other)
    require_free(settings)  # its own run, tried again
    lease = in_force(settings.ledger)
    assert lease is not None
    alter(settings.state, 1, beat_at=time.time() - 3600)
    assert idle_seconds(settings.ledger, lease) > 3599
    require_free(other)


def test_a_process_may_open_a_night_after_one_of_its_own_that_failed(tmp_path: Path) -> None:
    settings = load_settings({}, workspace=tmp_path)
    failed = take_over(settings, as_of="2026-01-10")
    require_free(settings)
    assert take_over(settings, as_of="2026-01-11").token == failed.token + 1


def test_a_clock_that_was_put_back_does_not_make_a_night_stale(store: StateStore) -> None:
    lease, _ = acquire(store, as_of="2026-01-10", owner="run-1")
    alter(store, 1, beat_at=time.time() + 1e6)
    assert idle_seconds(store, lease) == 0


def test_a_night_that_is_killed_is_taken_over_at_once_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = (
        "import os, signal, pathlib, pipeline.state.lease as l\n"
        f"l.acquire(pathlib.Path({str(tmp_path / 'ledger')!r}), as_of='2026-01-10', owner=None)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9
    settings = load_settings({}, workspace=tmp_path)
    require_free(settings)
    assert take_over(settings, as_of="2026-01-11").token == 2
    assert "the night of 2026-01-10 (lease 1: process " in capsys.readouterr().err


def test_a_night_from_before_neither_publishes_nor_begins_an_effect(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    ledger = context.settings.ledger
    mine, _ = acquire(ledger, as_of="2026-02-12", owner=None)
    zombie = replace(context, lease=mine)
    acquire(ledger, as_of="2026-02-13", owner=None)
    with pytest.raises(LeaseLost):
        publish.run(zombie)  # which went past the first comparison before the other night was opened
    with pytest.raises(LeaseLost):
        perform("account", zombie)
    assert not (context.settings.releases / "CURRENT").exists()
    assert entries(ledger, "analyses") == []
    publish.run(open_context(context.settings))
    assert current(context.settings.releases).as_of == context.as_of


def test_a_task_of_another_owner_finds_the_night_not_its_own(tmp_path: Path) -> None:
    context = plant_night(tmp_path)
    acquire(context.settings.ledger, as_of="2026-02-12", owner="run-1")
    open_context(replace(context.settings, owner="run-1"))
    with pytest.raises(LeaseLost, match="not that of run-2 any more"):
        open_context(replace(context.settings, owner="run-2"))
