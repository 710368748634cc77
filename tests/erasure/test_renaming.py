"""A workspace is renamed as a whole: from ids to tokens, and from tokens without a secret to tokens under a key."""

import datetime as dt
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipeline.cli.app import app
from pipeline.erasure.renaming import ids_to_tokens, open_to_secret
from pipeline.erasure.requests import request
from pipeline.errors import ParamsError, SettingsError, TableError
from pipeline.identity.key import recorded_key
from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.manifest import enter_night, findings
from pipeline.logs.pseudonyms import PrivacyRules
from pipeline.nightly.names import from_before_tokens, keep_key, night_key
from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import current, list_releases, verify
from pipeline.settings import Settings, load_settings
from pipeline.state.rows import append, entries
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import LISTENER_MAP, LISTS
from pipeline.storage.tables import read_table, write_table
from tests.stages.test_ingest import PLAY, land

KEY = "a secret key of the tests"
NAMES = ["ann", "bob", "carol"]


def settings(workspace: Path, key: str | None = None) -> Settings:
    return load_settings({"NETGAIN_ID_KEY": key} if key else {}, workspace=workspace)


def workspace_of(root: Path, names: dict[str, str], *, id_key: str | None) -> Settings:
    """Make a workspace in which a night named listeners so: id → name."""
    called = sorted(names.values())
    lists = {"listener_id": called, "rank": [1] * 3, "item_id": ["i"] * 3, "item_name": ["I"] * 3}
    write_table(root / "made" / "lists.parquet", pa.table({**lists, "score": [1.0] * 3, "reason": ["r"] * 3}), LISTS)
    (root / "made" / "fallback.parquet").write_text("popular")
    days = [dt.date(2026, 1, 1)] * 3
    people = pa.table({"listener_id": called, "n_plays": [1, 2, 3], "first_day": days})
    write_table(root / "made" / "model" / "listeners.parquet", people, LISTENER_MAP)
    files = {name: root / "made" / name for name in ("lists.parquet", "fallback.parquet", "model")}
    facts = {"as_of": "2026-01-10", "recipe": "als", "family": "als", "n_listeners": 3}
    origin = {"verdict": "KEEP", "sentence": "", "params": "0", "code": None}
    publish(root / "releases", Contents(files, facts | ({"id_key": id_key} if id_key else {}), origin))
    figures = pa.table({"listener_id": called, "ndcg": [0.1, 0.2, 0.3]})
    (root / "mlflow" / "artifacts" / "1").mkdir(parents=True)
    pq.write_table(figures, root / "mlflow" / "artifacts" / "1" / "evaluation.parquet")
    land(root / "landing", {"a.jsonl": [{**PLAY, "listener_id": name} for name in ("ann", "bob")]})
    (root / "landing" / "carol").mkdir()
    play = {"endTime": "2022-08-17 01:24", "artistName": "A", "trackName": "T", "msPlayed": 1}
    (root / "landing" / "carol" / "StreamingHistory0.json").write_text(json.dumps([play]))
    of_carol = f"{names['carol']}/StreamingHistory0.json"
    night = {"kind": "night", "as_of": "2026-01-10", "root": "landing", "format": "netgain,spotify", "withdrawn": []}
    append(settings(root).state, "landed", night | {"files": [{"path": "a.jsonl"}, {"path": of_carol}]})
    report = {"files": [{"path": of_carol}]} | ({} if id_key else {"own_folders": True})
    write_json(root / "mlflow" / "artifacts" / "1" / "ingest.json", report)
    for folder in ("data/plays", ".netgain/cache", ".dvc/cache/files"):
        (root / folder).mkdir(parents=True)
    return settings(root)


def names_in(where: Settings) -> dict[str, set[str]]:
    """Return every name in releases, the manifest and MLflow."""
    release = current(where.releases)
    verify(release)
    paths = [file["path"] for entry in entries(where.state, "landed") for file in entry["files"]]
    paths += [file["path"] for file in read_json(where.mlflow_artifacts / "1" / "ingest.json")["files"]]
    figures = where.mlflow_artifacts / "1" / "evaluation.parquet"
    return {
        "lists": set(read_table(release.lists, LISTS)["listener_id"].to_pylist()),
        "model": set(read_table(release.model / "listeners.parquet", LISTENER_MAP)["listener_id"].to_pylist()),
        "figures": set(pq.read_table(figures)["listener_id"].to_pylist()),
        "paths": {path.split("/")[0] for path in paths if "/" in path},
    }


def expected(key: bytes) -> dict[str, set[str]]:
    tokens = {token_of(name, key) for name in NAMES}
    return {"lists": tokens, "model": tokens, "figures": tokens, "paths": {token_of("carol", key)}}


@pytest.mark.parametrize("key", [None, KEY])
def test_ids_become_tokens_everywhere_once(tmp_path: Path, key: str | None) -> None:
    workspace_of(tmp_path, {name: name for name in NAMES}, id_key=None)
    where = settings(tmp_path, key)
    mine = key.encode() if key else OPEN_KEY
    assert from_before_tokens(where)
    with pytest.raises(TableError, match=r"named listeners as their logs do.*Run `netgain state migrate` once"):
        night_key(where)
    done = ids_to_tokens(where, mine)
    assert (done.files, done.releases) == (1, 1)
    assert names_in(where) == expected(mine)
    assert not any((tmp_path / folder).exists() for folder in ("data", ".netgain/cache", ".dvc/cache/files"))
    assert recorded_key(where.state) == fingerprint(mine) == current(where.releases).id_key
    assert not from_before_tokens(where)
    assert night_key(where) == mine


def test_pseudonyms_under_the_same_key_are_tokens_already(tmp_path: Path) -> None:
    workspace_of(tmp_path, {name: token_of(name, KEY.encode()) for name in NAMES}, id_key=None)
    write_json(tmp_path / "night" / "landing.json", {"id_key": fingerprint(KEY.encode())})
    with pytest.raises(ParamsError, match="pseudonyms under another key"):
        ids_to_tokens(settings(tmp_path), OPEN_KEY)
    ids_to_tokens(settings(tmp_path, KEY), KEY.encode())
    assert names_in(settings(tmp_path)) == expected(KEY.encode())


@pytest.mark.parametrize("step", ["change_releases", "record_key"])
def test_a_renaming_that_was_interrupted_is_completed(
    tmp_path: Path, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline.erasure import renaming as module

    where = workspace_of(tmp_path, {name: name for name in NAMES}, id_key=None)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, step, dies)
        with pytest.raises(KeyboardInterrupt):
            ids_to_tokens(where, OPEN_KEY)
    ids_to_tokens(where, OPEN_KEY)
    assert names_in(where) == expected(OPEN_KEY)


def test_a_workspace_without_a_key_gets_one_by_a_command_and_no_other_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {name: token_of(name, OPEN_KEY) for name in NAMES}
    where = workspace_of(tmp_path, names, id_key=fingerprint(OPEN_KEY))
    keep_key(where, OPEN_KEY)
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "page.html").write_text(f"<td>{names['carol']}/StreamingHistory0.json")
    keyed = settings(tmp_path, KEY)
    with pytest.raises(SettingsError, match=r"has no secret key.*netgain state rekey"):
        night_key(keyed)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETGAIN_ID_KEY", KEY)
    said = [CliRunner().invoke(app, ["state", "rekey"]).stdout for _ in range(2)]
    assert said == [
        "renamed in 1 releases and 1 tables; the next night makes the rest anew\n",
        "this workspace has that key already\n",
    ]
    assert names_in(keyed) == expected(KEY.encode())
    assert token_of("carol", KEY.encode()) in (tmp_path / "reports" / "page.html").read_text()
    assert night_key(keyed) == KEY.encode()
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY is not set"):
        night_key(settings(tmp_path))


def test_a_listener_without_a_landed_play_is_removed_by_a_new_key(tmp_path: Path) -> None:
    names = {name: token_of(name, OPEN_KEY) for name in NAMES}
    where = workspace_of(tmp_path, names, id_key=fingerprint(OPEN_KEY))
    land(tmp_path / "landing", {"a.jsonl": [{**PLAY, "listener_id": "ann"}]})
    assert open_to_secret(where, KEY.encode()).lost == 1
    left = {token_of(name, KEY.encode()) for name in ("ann", "carol")}
    assert names_in(where)["lists"] == names_in(where)["figures"] == left
    assert names_in(where)["model"] == {*left, "erased listener 1"}


def test_events_of_the_server_get_the_new_tokens_and_count_as_unchanged(tmp_path: Path) -> None:
    names = {name: token_of(name, OPEN_KEY) for name in NAMES}
    where = workspace_of(tmp_path, names, id_key=fingerprint(OPEN_KEY))
    events = tmp_path / "landing" / "events" / "20260110T000000.000000Z-1.events"
    events.parent.mkdir()
    newcomer = token_of("a newcomer without a play", OPEN_KEY)
    lines = [
        {"kind": "play", "at": "2026-01-09T00:00:00Z", "listener_id": each, "artist_name": "A", "track_name": "T"}
        for each in (names["ann"], newcomer, names["carol"])
    ]
    events.write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines, {"kind": "impression", "listener_id": None}])
    )
    format, key = "netgain,spotify,netgain-events", KEY.encode()
    inventory = take_inventory(tmp_path / "landing", format, workspace=tmp_path)
    counts = {"read": 0, "accepted": 0, "duplicate": 0, "quarantined": 0, "replayed": 0, "reasons": {}, "repairs": {}}
    counts |= {"first_played_at": None, "last_played_at": "2026-01-09"}
    report = counts | {"files": [counts | {"path": file.get("shown", file["path"])} for file in inventory["files"]]}
    enter_night(where.state, as_of="2026-01-10", inventory=inventory, root=tmp_path / "landing", report=report)
    assert open_to_secret(where, key).lost == 1
    found = [json.loads(line)["listener_id"] for line in events.read_text().splitlines()]
    assert found == [token_of("ann", key), token_of("carol", key), None]
    privacy = PrivacyRules(key)
    fresh = take_inventory(tmp_path / "landing", format, workspace=tmp_path, privacy=privacy)
    changed = findings(where.state, fresh, root=tmp_path / "landing", needed_from=dt.date(2000, 1, 1), key=key)
    assert changed == []


def test_a_new_key_waits_for_erasures(tmp_path: Path) -> None:
    where = workspace_of(tmp_path, {name: token_of(name, OPEN_KEY) for name in NAMES}, id_key=fingerprint(OPEN_KEY))
    request(where.state, ["ann"], key=OPEN_KEY, by="dpo")
    with pytest.raises(ParamsError, match="listeners wait to be erased"):
        open_to_secret(where, KEY.encode())


def test_a_lost_state_is_told_the_key_by_the_releases(tmp_path: Path) -> None:
    workspace_of(tmp_path, {name: token_of(name, OPEN_KEY) for name in NAMES}, id_key=fingerprint(OPEN_KEY))
    for file in (tmp_path / "ledger").glob("*netgain.db*"):
        file.unlink()
    assert not from_before_tokens(settings(tmp_path))
    assert night_key(settings(tmp_path)) == OPEN_KEY
    with pytest.raises(SettingsError, match="has no secret key"):
        night_key(settings(tmp_path, KEY))


def test_an_inventory_names_the_key_and_no_listener_but_by_folder(tmp_path: Path) -> None:
    workspace_of(tmp_path, {name: name for name in NAMES}, id_key=None)
    inventory = take_inventory(tmp_path / "landing", "netgain,spotify", privacy=PrivacyRules(KEY.encode()))
    assert inventory["id_key"] == fingerprint(KEY.encode())
    assert [file.get("shown", "-").split("/")[0] for file in inventory["files"]] == [
        "-",
        token_of("carol", KEY.encode()),
    ]
    assert len(list_releases(tmp_path / "releases")) == 1
    assert pq.read_schema(current(tmp_path / "releases").lists).metadata is None
