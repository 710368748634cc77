"""Tokens in place of listeners' ids, and rows of erased listeners."""

import datetime as dt
import json
import zipfile
from pathlib import Path

import pytest
import yaml

from pipeline.errors import SettingsError
from pipeline.identity.erased import IDS, Erased, digest_of
from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import is_there, owner_of, read_landing, shown_path
from pipeline.logs.pseudonyms import PrivacyRules, pseudonymise
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.reasons import Reason
from pipeline.settings import load_settings
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import PLAYS, QUARANTINED
from pipeline.storage.tables import read_table
from tests.fuzz.dialect import Play
from tests.fuzz.dialects import all_dialects
from tests.stages.test_ingest import PLAY, land, run

KEY, OTHER = b"k" * 32, b"o" * 32
SALT = "00" * 16


def erased(*names: str, key: bytes = OPEN_KEY) -> Erased:
    return Erased(SALT, {fingerprint(key): frozenset(digest_of(token_of(name, key), SALT) for name in names)})


def read(*rows: object) -> ReadResult:
    text = "".join(json.dumps(row) + "\n" if isinstance(row, dict) else f"{row}\n" for row in rows)
    return format_of("netgain").read(text.encode(), Source("a.jsonl", raw_bytes=None))


@pytest.mark.parametrize("key", [KEY, OPEN_KEY])
def test_an_id_becomes_a_token_which_is_the_same_each_time(key: bytes) -> None:
    result = pseudonymise(read(PLAY, {**PLAY, "listener_id": "bob"}, PLAY), PrivacyRules(key))
    ann, bob = token_of("ann", key), token_of("bob", key)
    assert result.plays["listener_id"].to_pylist() == [ann, bob, ann]


def test_no_byte_of_a_bad_row_is_kept() -> None:
    (row,) = pseudonymise(read({**PLAY, "played_at": "never"}), PrivacyRules()).quarantine.to_pylist()
    assert row == {"file": "a.jsonl", "row": 0, "reason": "bad timestamp", "raw": None}


def test_rows_of_an_erased_listener_are_quarantined() -> None:
    bad = {**PLAY, "played_at": "never"}
    cut = json.dumps(PLAY)[:30]
    result = pseudonymise(
        read(PLAY, {**PLAY, "listener_id": "anna"}, bad, cut, "{"), PrivacyRules(erased=erased("ann"))
    )
    assert result.plays["listener_id"].to_pylist() == [token_of("anna", OPEN_KEY)]
    quarantined = {row["row"]: row["reason"] for row in result.quarantine.to_pylist()}
    assert quarantined == {**dict.fromkeys((0, 2, 3), Reason.ERASED), 4: Reason.NOT_JSON}
    assert result.n_read == 5


AWKWARD = [
    "alice",
    "alice.smith",
    "ann lee",
    "a|b",
    "c,d",
    "e@f.org",
    'g"h',
    "i'j",
    "zoë",
    "Zo\u0308e",
    "popular",
    "7",
    "ö;x",
]


@pytest.mark.parametrize("gone", AWKWARD)
def test_only_the_rows_of_that_listener_go_whatever_the_id_is_made_of(gone: str) -> None:
    """Good rows, rows with a bad value, and rows that are cut off in mid-line, each of every listener."""
    rows = [{**PLAY, "listener_id": name} for name in AWKWARD]
    cut = [
        json.dumps({"listener_id": name, "track_name": "x"}, ensure_ascii=i % 2 == 0)[:-8]
        for i, name in enumerate(AWKWARD)
    ]
    mixed = [*rows, *({**row, "played_at": "never"} for row in rows), *cut]
    result = pseudonymise(read(*mixed), PrivacyRules(erased=erased(gone)))
    n, at = len(AWKWARD), AWKWARD.index(gone)
    theirs = [row["row"] for row in result.quarantine.to_pylist() if row["reason"] == Reason.ERASED]
    assert theirs == [at, n + at, 2 * n + at]
    assert result.plays["row"].to_pylist() == [row for row in range(n) if row != at]


def test_a_title_that_is_an_erased_listeners_id_does_not_make_the_row_theirs() -> None:
    bobs = {**PLAY, "listener_id": "bob", "artist_name": "ann", "played_at": "never"}
    result = pseudonymise(read(bobs), PrivacyRules(erased=erased("ann")))
    assert result.quarantine["reason"].to_pylist() == ["bad timestamp"]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_in_a_broken_table_whole_fields_count(separator: str) -> None:
    lines = [separator.join(fields) for fields in (["x", "ann"], ["x", "ann lee"], ["x", '"ann"'], ["annex", "y"])]
    result = pseudonymise(read(*lines), PrivacyRules(erased=erased("ann")))
    reasons = result.quarantine["reason"].to_pylist()
    assert [reason == Reason.ERASED for reason in reasons] == [True, False, True, False]


def test_those_who_were_erased_before_tokens_or_before_the_key_are_known() -> None:
    before = Erased(SALT, {IDS: frozenset({digest_of("ann", SALT)})})
    for gone in (before, erased("ann"), erased("ann", key=KEY)):
        assert Erased.from_json(json.loads(json.dumps(gone.as_json()))) == gone
        assert gone.among(["ann", "anna", "bob"], KEY) == {"ann"}
    assert erased("ann", key=OTHER).among(["ann"], KEY) == set()


def test_the_key_is_nowhere_and_its_fingerprint_tells_keys_apart(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"a.jsonl": [PLAY]})
    inventory = take_inventory(root, "netgain", privacy=PrivacyRules(KEY))
    assert inventory["id_key"] == fingerprint(KEY) != fingerprint(OTHER)
    assert KEY.decode() not in json.dumps(inventory) + repr(PrivacyRules(KEY)) + repr(
        load_settings({"NETGAIN_ID_KEY": "k" * 32})
    )


@pytest.mark.parametrize("key", [OPEN_KEY, OTHER])
def test_a_stage_with_another_key_is_refused(tmp_path: Path, key: bytes) -> None:
    root = land(tmp_path / "in", {"a.jsonl": [PLAY]})
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY is not"):
        run(root, tmp_path, privacy=PrivacyRules(KEY), id_key=key)
    with pytest.raises(SettingsError, match="the open night has no secret key"):
        run(root, tmp_path, id_key=OTHER)


@pytest.mark.parametrize("key", [KEY, OPEN_KEY])
@pytest.mark.parametrize("name", sorted(n for n, d in all_dialects().items() if not format_of(d.format).pseudonymised))
def test_nothing_that_ingest_writes_names_a_listener(tmp_path: Path, name: str, key: bytes) -> None:
    """For listeners by folder and by column: a unique name is in no table, report or path that ingest writes."""
    dialect = all_dialects()[name]
    play = Play("zelda-unique", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "A", "T", 1)
    spoilt = next(spoil for reason, spoil in dialect.dirt if reason in {Reason.MISSING_ARTIST, Reason.MISSING_TRACK})
    path = tmp_path / "in" / dialect.file("zelda-unique", 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(dialect.encode([dialect.record(play), spoilt(dialect.record(play))]))
    if dialect.columns:
        (tmp_path / "in" / "columns.yaml").write_text(yaml.safe_dump(dict(dialect.columns)))
    run(tmp_path / "in", tmp_path, format=dialect.format, privacy=PrivacyRules(key), id_key=key)
    report = json.dumps(read_json(tmp_path / "data" / "ingest.json"))
    plays = read_table(tmp_path / "data" / "plays", PLAYS).to_pylist()
    quarantined = read_table(tmp_path / "data" / "quarantine.parquet", QUARANTINED).to_pylist()
    assert "-unique" not in report + repr(plays) + repr(quarantined)
    assert [len(play["listener_id"]) for play in plays] == [32]
    assert len(quarantined) == 1
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("*") if p.is_file())
    assert b"-unique" not in kept


def test_a_listeners_folder_is_a_token_in_paths_and_found_again(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    token = token_of("ann", KEY)
    shown = shown_path("ann/MyData/export-ann_0.anna.json", KEY)
    assert shown == f"{token}/MyData/export-{token}_0.anna.json"
    assert owner_of(shown) == token
    assert not is_there(tmp_path, shown, KEY)
    (tmp_path / "ann" / "MyData").mkdir(parents=True)
    (tmp_path / "ann" / "MyData" / "export-ann_0.anna.json").touch()
    assert is_there(tmp_path, shown, KEY)
    assert not is_there(tmp_path, shown, OTHER)
    assert shown_path("plays.jsonl", KEY) == "plays.jsonl"
    assert not is_there(tmp_path, "plays.jsonl", KEY)


def test_a_listener_s_archive_is_shown_as_the_folder_that_it_stands_for_and_is_told_apart_from_it(
    tmp_path: Path,
) -> None:
    token = token_of("ann", KEY)
    shown = shown_path("ann.zip/MyData/ann.json", KEY)
    assert shown == f"{token}.zip/MyData/{token}.json"
    assert owner_of(shown) == token
    assert owner_of("plays.zip/a.json") == owner_of(f"{token}.jsonl") == ""
    with zipfile.ZipFile(tmp_path / "ann.zip", "w") as archive:
        archive.writestr("MyData/ann.json", "[]")
    assert is_there(tmp_path, shown, KEY)
    assert not is_there(tmp_path, shown.replace("MyData", "Other"), KEY)


def test_events_hold_tokens_already_and_erased_ones_are_known_by_them() -> None:
    ann, bob = token_of("ann", KEY), token_of("bob", KEY)
    lines = [
        {"kind": "play", "at": "2026-01-01T00:00:00Z", "listener_id": each, "artist_name": "A", "track_name": "T"}
        for each in (ann, bob, "bob")
    ] + [{"kind": "impression", "at": "2026-01-01T00:00:00Z", "listener_id": bob, "items": []}]
    data = "".join(json.dumps(line) + "\n" for line in lines).encode()
    found = format_of("netgain-events").read(data, Source("a.events"))
    result = pseudonymise(found, PrivacyRules(KEY, erased("bob", key=KEY)), are_tokens=True)
    assert result.plays["listener_id"].to_pylist() == [ann]
    assert [(row["row"], row["reason"]) for row in result.quarantine.to_pylist()] == [
        (1, Reason.ERASED.value),
        (2, Reason.MISSING_LISTENER.value),
        (3, Reason.ERASED.value),
    ]


def test_an_inventory_is_read_back_with_its_rules(tmp_path: Path) -> None:
    root = tmp_path / "in"
    (root / "ann").mkdir(parents=True)
    (root / "ann" / "StreamingHistory0.json").write_text("[]")
    inventory = take_inventory(root, "spotify", privacy=PrivacyRules(KEY, erased("bob")))
    (tmp_path / "landing.json").write_text(json.dumps(inventory))
    landing = read_landing(tmp_path / "landing.json", workspace=tmp_path)
    assert landing.erased == erased("bob")
    assert landing.id_key == fingerprint(KEY)
    (file,) = landing.files
    assert (file.path, file.shown) == ("ann/StreamingHistory0.json", f"{token_of('ann', KEY)}/StreamingHistory0.json")
