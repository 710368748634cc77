"""A ledger of before the database is taken over once: what earlier nights left counts on.

tests/state/legacy was written by that Netgain's own functions: two analyses (the last in the journal's copy alone), an
override, a rollback, two erasures of which one is pending, landed files, monitor figures, two leases, two entries of
the outbox, and five releases of which two were removed.
"""

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.erasure.requests import erased, names_waiting_before_tokens, pending
from pipeline.errors import TableError
from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.spending import Clock, Entrant, Override
from pipeline.identity.key import recorded_key
from pipeline.identity.tokens import OPEN_FINGERPRINT, OPEN_KEY, token_of
from pipeline.logs.manifest import files_in_manifest
from pipeline.logs.replay import with_replayed
from pipeline.releases import migrate as module
from pipeline.releases.migrate import migrate
from pipeline.releases.release import current, list_releases, open_release, previous_release, verify
from pipeline.releases.removed import removed_ids
from pipeline.releases.rollback import roll_back, rollback_entry, withdrawn
from pipeline.settings import Settings, StateStore, load_settings
from pipeline.state.lease import acquire, in_force
from pipeline.state.ledger import history
from pipeline.state.location import FILE
from pipeline.state.outbox import remove, waiting
from pipeline.state.rows import entries
from pipeline.storage.schemas import LISTS
from pipeline.storage.tables import read_table, write_table
from tests.state.leases import alter

LEGACY = Path(__file__).parent / "legacy"


@pytest.fixture
def settings(tmp_path: Path, store: StateStore) -> Settings:
    """A workspace of that time, to be migrated to each database."""
    for name in ("ledger", "releases"):
        shutil.copytree(LEGACY / name, tmp_path / name)
    return replace(load_settings({}, workspace=tmp_path), state_uri=store.uri)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_counts_on_and_the_old_files_are_gone(settings: Settings) -> None:
    counts = migrate(settings)
    assert counts == {
        "analyses": 2, "overrides": 1, "landed": 3, "rollbacks": 1, "erasures": 2, "monitor": 2,
        "outbox": 2, "leases": 2, "removed": 2,
    }  # fmt: skip
    night = dt.date(2026, 1, 13)
    known, pooled = history(
        settings.state,
        as_of=night,
        inputs="i3",
        recipes={"als": "d1"},
        entrants={"als": Entrant("k", "d")},
        memory={},
        decision_from=night - dt.timedelta(days=7),
        max_entrants=10,
    )
    assert known.champion == "popular"
    assert known.earlier("als") == (EarlierSeeds(0.01, 2.0, 0.01), EarlierSeeds(0.02, 2.0, 0.02))
    assert known.override == Override("als", "Ada", "a campaign", "2026-01-12", "2026-01-14")
    # Analyses of the earlier rule count for nothing: this rule's α is spent by its own.
    assert (known.clocks, known.pairs, pooled.num_rows) == ({"als": Clock("running", 1)}, {}, 0)

    served = current(settings.releases)
    (was,) = withdrawn(settings.state)
    assert (was[:10], served.id[:10]) == ("2026-01-14", "2026-01-13")
    made = rollback_entry(settings.state, served.id)
    assert made is not None
    assert made["reason"] == "lists of nonsense"
    assert {name[:10] for name in removed_ids(settings.releases)} == {"2026-01-10", "2026-01-11"}
    assert previous_release(settings.releases, open_release(settings.releases, str(served.previous))) is None
    assert roll_back(settings.releases, settings.state, to=was, by="ann", reason="r")[1].id == was

    who = erased(settings.state)
    assert who is not None
    assert who.among(["zoe", "yan", "xia"], OPEN_KEY) == {"zoe", "yan"}
    assert names_waiting_before_tokens(settings.state) == ["yan"]
    with pytest.raises(TableError, match="cannot be read"):
        pending(settings.state)
    landed = files_in_manifest(entries(settings.state, "landed"), root="landing", format="netgain")
    assert landed["a.jsonl"]["taken"] == "2026-01-11"
    inventory = {"root": "landing", "files": [{"path": "a.jsonl", "sha256": "aa"}]}
    assert with_replayed(inventory, settings.state)["files"][0]["replayed"] == [2]
    assert [entry["figures"] for entry in entries(settings.state, "monitor")] == [{"hit_rate": 0.1}, {"hit_rate": 0.2}]

    lease = in_force(settings.state)
    assert lease is not None
    assert (lease.token, lease.as_of, lease.ended) == (2, "2026-01-12", "done")
    assert acquire(settings.state, as_of="2026-01-13", owner=None)[0].token == 3
    record, promote = waiting(settings.state)
    assert (record.kind, record.key, promote.body()) == ("record", "2026-01-12-abc", {"digest": "d"})
    assert (record.folder / "files" / "artifact.txt").read_text() == "lists\n"
    for entry in (record, promote):
        remove(entry)

    kept = {"erasures/pending.json", "influence/2026-01-11.parquet", "influence/2026-01-12.parquet"}
    assert files(settings.ledger) - {FILE, ".netgain.db.made"} == kept
    assert not (settings.releases / "removed.jsonl").exists()


def test_before_it_every_command_names_it_and_nothing_is_begun_anew(settings: Settings) -> None:
    old = files(settings.ledger)
    for act in (
        lambda: acquire(settings.state, as_of="2026-01-13", owner=None),
        lambda: withdrawn(settings.state),
        lambda: alter(settings.state, 1, ended="done"),
    ):
        with pytest.raises(TableError, match=r"in files; expected a database\. Run `netgain state migrate` once"):
            act()
    assert files(settings.ledger) == old


def test_an_outbox_alone_is_an_old_ledger_too(settings: Settings) -> None:
    """Else the next entry would remove its folders."""
    for path in [each for each in settings.ledger.iterdir() if each.name != "outbox"]:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(TableError, match="netgain state migrate"):
        waiting(settings.state)
    assert migrate(settings)["outbox"] == 2
    assert len(waiting(settings.state)) == 2


def test_a_crash_before_the_commit_changes_nothing_and_after_it_the_same_command_completes_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(Exception):
        pass

    def dies(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(module, "now", dies)
        with pytest.raises(Died):
            migrate(settings)
    assert (settings.ledger / "looks.jsonl").exists()
    with monkeypatch.context() as patch:
        patch.setattr(module.legacy, "files_of", dies)
        with pytest.raises(Died):
            migrate(settings)
    assert (settings.ledger / "looks.jsonl").exists()
    assert migrate(settings) == {"removed": 2}
    assert not (settings.ledger / "looks.jsonl").exists()
    assert len(entries(settings.state, "analyses")) == 2
    assert migrate(settings) == {}


def test_the_command_says_what_it_took_over_and_then_that_there_is_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(settings.workspace)
    if settings.state_uri is not None:
        monkeypatch.setenv("NETGAIN_STATE_URI", settings.state_uri)
    list_of_one = {"rank": 1, "item_id": "i", "item_name": "I", "score": 1.0, "reason": "r"}
    for release in list_releases(settings.releases):
        rows = [{"listener_id": name, **list_of_one} for name in "zy"]
        write_table(release.lists, pa.Table.from_pylist(rows, schema=LISTS), LISTS)
    said = [CliRunner().invoke(app, ["state", "migrate"]).stdout for _ in range(2)]
    assert said[0].startswith("migrated: 2 analyses, 2 erasures, 3 landed, 2 leases, ")
    assert said[0].endswith("; listeners are tokens now in 3 releases and 2 tables\n")
    assert said[1] == "nothing to migrate\n"
    tokens = {name: token_of(name, OPEN_KEY) for name in "yz"}
    for release in list_releases(settings.releases):
        verify(release)
        assert read_table(release.lists, LISTS)["listener_id"].to_pylist() == sorted(tokens.values())
    assert pending(settings.state).tokens == {token_of("yan", OPEN_KEY)}
    assert recorded_key(settings.state) == OPEN_FINGERPRINT


def test_a_journal_that_is_damaged_with_its_copy_is_refused_by_name(settings: Settings) -> None:
    for name in ("landed.jsonl", ".landed.jsonl.copy"):
        (settings.ledger / name).write_text('{"kind": "nig', encoding="utf-8")
    with pytest.raises(TableError, match=r"landed\.jsonl cannot be read"):
        migrate(settings)
    assert (settings.ledger / "overrides.jsonl").exists()


def test_old_files_beside_a_database_with_other_state_are_refused(settings: Settings, tmp_path: Path) -> None:
    shutil.move(settings.ledger, tmp_path / "old")
    acquire(settings.state, as_of="2026-01-13", owner=None)
    shutil.copytree(tmp_path / "old", settings.ledger, dirs_exist_ok=True)
    with pytest.raises(TableError, match="holds old files, and the state database is not empty"):
        migrate(settings)
