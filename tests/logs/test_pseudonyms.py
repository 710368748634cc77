"""Pseudonyms for listeners' ids, and rows of erased listeners."""

import datetime as dt
import json
from pathlib import Path

import pytest
import yaml

from pipeline.errors import SettingsError
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.logs.pseudonyms import Erased, PrivacyRules, digest_of, fingerprint, pseudonym, pseudonymise
from pipeline.logs.reading import ReadResult, Source
from pipeline.logs.reasons import Reason
from pipeline.settings import load_settings
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import PLAYS, QUARANTINE
from pipeline.storage.tables import read_table
from tests.fuzz.dialect import Play
from tests.fuzz.dialects import all_dialects
from tests.stages.test_ingest import PLAY, land, run

KEY, OTHER = b"k" * 32, b"o" * 32
SALT = "00" * 16


def erased(*names: str) -> Erased:
    return Erased(SALT, frozenset(digest_of(name, SALT) for name in names))


def read(*rows: object) -> ReadResult:
    text = "".join(json.dumps(row) + "\n" if isinstance(row, dict) else f"{row}\n" for row in rows)
    return format_of("netgain").read(text.encode(), Source("a.jsonl"))


def test_an_id_becomes_a_keyed_digest_which_is_the_same_each_time() -> None:
    found = (
        pseudonymise(read(PLAY, {**PLAY, "listener_id": "bob"}, PLAY), PrivacyRules(KEY))
        .plays["listener_id"]
        .to_pylist()
    )
    assert found == [pseudonym(KEY, "ann"), pseudonym(KEY, "bob"), pseudonym(KEY, "ann")]
    assert len(found[0]) == 32
    assert pseudonym(OTHER, "ann") != found[0]


def test_with_a_key_no_byte_of_a_bad_row_is_kept() -> None:
    (row,) = pseudonymise(read({**PLAY, "played_at": "never"}), PrivacyRules(KEY)).quarantine.to_pylist()
    assert row == {"file": "a.jsonl", "row": 0, "reason": "bad timestamp", "raw": None}


def test_rows_of_an_erased_listener_are_quarantined_without_a_byte() -> None:
    bad = {**PLAY, "played_at": "never"}
    cut = json.dumps(PLAY)[:30]
    result = pseudonymise(
        read(PLAY, {**PLAY, "listener_id": "anna"}, bad, cut, "{"), PrivacyRules(erased=erased("ann"))
    )
    assert result.plays["listener_id"].to_pylist() == ["anna"]
    quarantined = {row["row"]: (row["reason"], row["raw"]) for row in result.quarantine.to_pylist()}
    assert quarantined == {**dict.fromkeys((0, 2, 3), (Reason.ERASED, None)), 4: (Reason.NOT_JSON, b"{")}
    assert result.n_read == 5


def test_an_erased_listener_is_known_by_the_id_of_the_log_with_a_key_too() -> None:
    result = pseudonymise(read(PLAY, {**PLAY, "listener_id": "bob"}), PrivacyRules(KEY, erased("ann")))
    assert result.plays["listener_id"].to_pylist() == [pseudonym(KEY, "bob")]


def test_the_key_is_nowhere_and_its_fingerprint_tells_keys_apart(tmp_path: Path) -> None:
    root = land(tmp_path / "in", {"a.jsonl": [PLAY]})
    inventory = take_inventory(root, "netgain", privacy=PrivacyRules(KEY))
    assert inventory["id_key"] == fingerprint(KEY) != fingerprint(OTHER)
    assert KEY.decode() not in json.dumps(inventory) + repr(PrivacyRules(KEY)) + repr(
        load_settings({"NETGAIN_ID_KEY": "k" * 32})
    )


@pytest.mark.parametrize("key", [None, OTHER])
def test_a_stage_with_another_key_is_refused(tmp_path: Path, key: bytes | None) -> None:
    root = land(tmp_path / "in", {"a.jsonl": [PLAY]})
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY is not"):
        run(root, tmp_path, privacy=PrivacyRules(KEY), id_key=key)
    with pytest.raises(SettingsError, match="expected none, as when the night was opened"):
        run(root, tmp_path, id_key=OTHER)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(SettingsError, match="NETGAIN_ID_KEY of 3 bytes; expected at least 16"):
        load_settings({"NETGAIN_ID_KEY": "abc"})


@pytest.mark.parametrize("name", sorted(n for n, d in all_dialects().items() if not format_of(d.format).pseudonymised))
def test_with_a_key_nothing_that_ingest_writes_names_a_listener(tmp_path: Path, name: str) -> None:
    """For listeners by folder and by column: a unique name is in no table, report or path that ingest writes."""
    dialect = all_dialects()[name]
    play = Play("zelda-unique", dt.datetime(2026, 1, 1, tzinfo=dt.UTC), "A", "T", 1)
    spoilt = next(spoil for reason, spoil in dialect.dirt if reason in {Reason.MISSING_ARTIST, Reason.MISSING_TRACK})
    path = tmp_path / "in" / dialect.file("zelda-unique", 0)
    path.parent.mkdir(parents=True)
    path.write_bytes(dialect.encode([dialect.record(play), spoilt(dialect.record(play))]))
    if dialect.columns:
        (tmp_path / "in" / "columns.yaml").write_text(yaml.safe_dump(dict(dialect.columns)))
    run(tmp_path / "in", tmp_path, format=dialect.format, privacy=PrivacyRules(KEY), id_key=KEY)
    report = json.dumps(read_json(tmp_path / "data" / "ingest.json"))
    plays = read_table(tmp_path / "data" / "plays", PLAYS).to_pylist()
    quarantined = read_table(tmp_path / "data" / "quarantine.parquet", QUARANTINE).to_pylist()
    assert "-unique" not in report + repr(plays) + repr(quarantined)
    assert [len(play["listener_id"]) for play in plays] == [32]
    assert len(quarantined) == 1
    kept = b"".join(p.read_bytes() for p in (tmp_path / "cache").rglob("made.json"))
    assert b"-unique" not in kept


def test_an_inventory_is_read_back_with_its_door(tmp_path: Path) -> None:
    root = tmp_path / "in"
    (root / "ann").mkdir(parents=True)
    (root / "ann" / "StreamingHistory0.json").write_text("[]")
    inventory = take_inventory(root, "spotify", privacy=PrivacyRules(KEY, erased("bob")))
    (tmp_path / "landing.json").write_text(json.dumps(inventory))
    landing = read_landing(tmp_path / "landing.json", workspace=tmp_path)
    assert landing.erased == erased("bob")
    assert landing.id_key == fingerprint(KEY)
    (file,) = landing.files
    assert (file.path, file.shown) == ("ann/StreamingHistory0.json", f"{pseudonym(KEY, 'ann')}/StreamingHistory0.json")
