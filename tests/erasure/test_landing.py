"""Only the rows of erased listeners are removed from landed files."""

import json
from pathlib import Path

import pytest
import yaml

from pipeline.erasure.landing import count_rows, remove_folders, remove_rows
from pipeline.erasure.scan import scan, sought
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import Landing, read_landing
from pipeline.logs.pseudonyms import Erased, PrivacyRules, digest_of, pseudonymise
from pipeline.logs.reading import Source
from pipeline.logs.reasons import Reason
from pipeline.storage.json_files import write_json
from tests.fuzz.dialect import WRITTEN_AT
from tests.fuzz.dialects import all_dialects
from tests.fuzz.landings import make_landing
from tests.stages.test_ingest import PLAY

SALT = "ab" * 16


def erased(*names: str) -> Erased:
    return Erased(SALT, frozenset(digest_of(name, SALT) for name in names))


def landed(root: Path, format: str, who: Erased) -> Landing:
    write_json(root.parent / "landing.json", take_inventory(root, format, privacy=PrivacyRules(erased=who)))
    return read_landing(root.parent / "landing.json", workspace=root.parent)


def plays(root: Path, landing: Landing) -> list[tuple[object, ...]]:
    found = []
    for file in landing.files:
        source = Source(file.path, root.name, columns=landing.columns)
        result = format_of(landing.format).read((root / file.path).read_bytes(), source)
        columns = result.plays.select(["listener_id", "played_at", "artist_name"])
        found += [tuple(play.values()) for play in columns.to_pylist()]
    return found


SHARED = sorted(name for name, dialect in all_dialects().items() if not dialect.by_folder)


@pytest.mark.parametrize("name", SHARED)
def test_only_the_rows_of_the_erased_listener_are_removed_from_a_shared_file(tmp_path: Path, name: str) -> None:
    """For faulty files of every format, packed and plain, the plays of all other listeners are left, row for row."""
    for seed in range(12):
        root = tmp_path / str(seed) / "in"
        dialect, _ = make_landing(root, seed, only=name)
        gone = str(sum(b"a")) if name == "listenbrainz-spark" else "a"
        landing = landed(root, dialect.format, erased(gone))
        before = plays(root, landing)
        n_rows = sum(remove_rows(landing, file, erased(gone)) for file in landing.files)
        after = plays(root, landed(root, dialect.format, erased(gone)))
        assert after == [play for play in before if play[0] != gone]
        assert n_rows >= len(before) - len(after)
        assert {(root / file.path).stat().st_mtime for file in landing.files} == {WRITTEN_AT.timestamp()}
        again = landed(root, dialect.format, erased(gone))
        assert [remove_rows(again, file, erased(gone)) for file in again.files] == [0] * len(again.files)


def test_broken_rows_that_mention_a_listener_are_removed(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    other = b'{"listener_id": "joanna-long", "x'
    (root / "a.jsonl").write_bytes(b'{"listener_id": "anna-long", "play\n\n' + other + b"\nanna-long\n")
    landing = landed(root, "netgain", erased("anna-long"))
    assert remove_rows(landing, landing.files[0], erased("anna-long")) == 2
    assert (root / "a.jsonl").read_bytes() == other + b"\n"
    assert scan([root], sought(["anna-long"])) == []


def test_a_listeners_own_folder_is_removed(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name / "MyData").mkdir(parents=True)
        (tmp_path / name / "MyData" / "StreamingHistory0.json").write_text("[]")
    assert remove_folders(tmp_path, "netgain", erased("ann")) == 0
    assert remove_folders(tmp_path, "spotify", erased("ann")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bob"]


def test_the_column_map_of_a_table_tells_whose_folder_it_is(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "a.csv").write_text("")
    columns = {"played_at": "at", "artist": "artist", "track": "song"}
    (tmp_path / "columns.yaml").write_text(yaml.safe_dump(columns | {"listener": "who"}))
    assert remove_folders(tmp_path, "table", erased("ann")) == 0
    (tmp_path / "columns.yaml").write_text(yaml.safe_dump(columns))
    assert remove_folders(tmp_path, "table", erased("ann")) == 1


def test_redelivered_rows_are_dropped_and_counted() -> None:
    data = (json.dumps(PLAY) + "\n").encode() * 3
    result = pseudonymise(format_of("netgain").read(data, Source("x.jsonl")), PrivacyRules(erased=erased("ann")))
    assert (result.plays.num_rows, result.n_read) == (0, 3)
    assert set(result.quarantine["reason"].to_pylist()) == {Reason.ERASED}


def test_a_listeners_own_file_is_removed_and_no_other(tmp_path: Path) -> None:
    """Files right in the landing root belong to a listener of the root's name."""
    root = tmp_path / "ann-home"
    root.mkdir()
    play = {"endTime": "2022-08-17 01:24", "artistName": "ann-home", "trackName": "T", "msPlayed": 1}
    (root / "StreamingHistory0.json").write_text(json.dumps([play, {**play, "endTime": "?"}], indent=1))
    (root / "bob").mkdir()
    (root / "bob" / "StreamingHistory0.json").write_text(json.dumps([play, {**play, "endTime": "?"}]))
    landing = landed(root, "spotify", erased("ann-home"))
    n_rows = {file.path: remove_rows(landing, file, erased("ann-home")) for file in landing.files}
    assert n_rows == {"StreamingHistory0.json": 2, "bob/StreamingHistory0.json": 0}
    assert [path.relative_to(root).as_posix() for path in root.rglob("*.json")] == ["bob/StreamingHistory0.json"]
    assert [count_rows(landing, file, erased("ann-home")) for file in landing.files] == [0, 0]
