"""Only the rows of erased listeners are removed from landed files."""

import json
import os
import zipfile
from pathlib import Path

import pytest
import yaml

from pipeline.erasure.landing import count_rows, remove_folders, remove_rows
from pipeline.erasure.remedies import mend
from pipeline.erasure.search import holds
from pipeline.erasure.sought import Sought
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import Landing, read_landing
from pipeline.logs.pseudonyms import PrivacyRules, pseudonymise
from pipeline.logs.reading import Source
from pipeline.logs.reasons import Reason
from pipeline.settings import load_settings
from pipeline.storage.json_files import write_json
from tests.erasure.listeners import erasing, token
from tests.fuzz.dialect import WRITTEN_AT
from tests.fuzz.dialects import all_dialects
from tests.fuzz.landings import make_landing
from tests.stages.test_ingest import PLAY, land


def landed(root: Path, format: str, rules: PrivacyRules) -> Landing:
    write_json(root.parent / "landing.json", take_inventory(root, format, privacy=rules))
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
        rules = erasing(gone)
        landing = landed(root, dialect.format, rules)
        before = plays(root, landing)
        n_rows = sum(remove_rows(landing, file, rules) for file in landing.files)
        left = [file for file in landing.files if (root / file.path).exists()]
        assert {(root / file.path).stat().st_mtime for file in left} <= {WRITTEN_AT.timestamp()}
        again = landed(root, dialect.format, rules) if left else landing
        after = plays(root, again) if left else []
        named = token(gone) if format_of(dialect.format).pseudonymised else gone
        assert after == [play for play in before if play[0] != named]
        assert n_rows >= len(before) - len(after)
        assert sum(remove_rows(again, file, rules) for file in left and again.files) == 0


def test_broken_rows_that_mention_a_listener_are_removed(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    other = b'{"listener_id": "joanna-long", "x'
    (root / "a.jsonl").write_bytes(b'{"listener_id": "anna-long", "play\n\n' + other + b"\nanna-long\n")
    rules = erasing("anna-long")
    landing = landed(root, "netgain", rules)
    assert remove_rows(landing, landing.files[0], rules) == 2
    assert (root / "a.jsonl").read_bytes() == other + b"\n"


def test_an_id_far_behind_the_start_of_a_broken_row_is_seen(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "a.jsonl").write_text(
        '{"track_name": "' + "x" * 5000 + '", "listener_id": "ann", \n{"listener_id": "bob"\n'
    )
    landing = landed(root, "netgain", erasing("ann"))
    assert remove_rows(landing, landing.files[0], erasing("ann")) == 1
    assert (root / "a.jsonl").read_text() == '{"listener_id": "bob"\n'


def test_a_listeners_own_folder_is_removed(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        (tmp_path / name / "MyData").mkdir(parents=True)
        (tmp_path / name / "MyData" / "StreamingHistory0.json").write_text("[]")
    assert remove_folders(tmp_path, "netgain", erasing("ann")) == 0
    assert remove_folders(tmp_path, "spotify", erasing("ann")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bob"]


def test_a_linked_folder_is_removed_with_what_it_leads_to(tmp_path: Path) -> None:
    root, outside = tmp_path / "in", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "StreamingHistory0.json").write_text("[]")
    (root / "ann").symlink_to(outside)
    assert remove_folders(root, "spotify", erasing("ann")) == 1
    assert list(root.iterdir()) == []
    assert not outside.exists()


def test_a_listeners_own_archive_is_removed(tmp_path: Path) -> None:
    for name in ("ann", "bob"):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            archive.writestr("MyData/StreamingHistory0.json", "[]")
    assert remove_folders(tmp_path, "netgain", erasing("ann")) == 0
    assert remove_folders(tmp_path, "spotify", erasing("ann")) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bob.zip"]


def test_rows_in_an_archive_are_removed_and_the_rest_of_it_stays(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    both = [json.dumps({**PLAY, "listener_id": name}) + "\n" for name in ("ann", "bob", "ann")]
    with zipfile.ZipFile(root / "export.zip", "w") as archive:
        archive.writestr("a.jsonl", "".join(both))
        archive.writestr("only/ann.jsonl", both[0])
        archive.writestr("note.txt", "of others")
    rules = erasing("ann")
    landing = landed(root, "netgain", rules)
    assert [file.path for file in landing.files] == ["export.zip/a.jsonl", "export.zip/only/ann.jsonl"]
    assert [count_rows(landing, file, rules) for file in landing.files] == [2, 1]
    assert [remove_rows(landing, file, rules) for file in landing.files] == [2, 1]
    assert [count_rows(landing, file, rules) for file in landing.files] == [0, 0]
    found = {path.relative_to(root).as_posix(): path.read_text() for path in root.rglob("*") if path.is_file()}
    assert found == {"export.zip/a.jsonl": both[1], "export.zip/note.txt": "of others"}
    assert [file.path for file in landed(root, "netgain", rules).files] == ["export.zip/a.jsonl"]


def test_the_column_map_of_a_table_tells_whose_folder_it_is(tmp_path: Path) -> None:
    (tmp_path / "ann").mkdir()
    (tmp_path / "ann" / "a.csv").write_text("")
    columns = {"played_at": "at", "artist": "artist", "track": "song"}
    (tmp_path / "columns.yaml").write_text(yaml.safe_dump(columns | {"listener": "who"}))
    assert remove_folders(tmp_path, "table", erasing("ann")) == 0
    (tmp_path / "columns.yaml").write_text(yaml.safe_dump(columns))
    assert remove_folders(tmp_path, "table", erasing("ann")) == 1


def test_redelivered_rows_are_dropped_and_counted() -> None:
    data = (json.dumps(PLAY) + "\n").encode() * 3
    result = pseudonymise(format_of("netgain").read(data, Source("x.jsonl")), erasing("ann"))
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
    rules = erasing("ann-home")
    landing = landed(root, "spotify", rules)
    n_rows = {file.path: remove_rows(landing, file, rules) for file in landing.files}
    assert n_rows == {"StreamingHistory0.json": 2, "bob/StreamingHistory0.json": 0}
    assert [path.relative_to(root).as_posix() for path in root.rglob("*.json")] == ["bob/StreamingHistory0.json"]
    assert [count_rows(landing, file, rules) for file in landing.files] == [0, 0]


def two_listeners(root: Path) -> Landing:
    land(root, {"a.jsonl": [PLAY, {**PLAY, "listener_id": "bob"}]})
    return landed(root, "netgain", erasing("ann"))


def test_owner_and_rights_of_a_rewritten_file_stay(tmp_path: Path) -> None:
    landing = two_listeners(tmp_path / "in")
    path = tmp_path / "in" / "a.jsonl"
    path.chmod(0o640)
    owner = (1234, 5678) if os.geteuid() == 0 else (os.geteuid(), os.getegid())
    os.chown(path, *owner)
    os.setxattr(path, "user.note", b"x")
    assert remove_rows(landing, landing.files[0], erasing("ann")) == 1
    after = path.stat()
    assert (after.st_mode & 0o777, (after.st_uid, after.st_gid)) == (0o640, owner)
    assert os.getxattr(path, "user.note") == b"x"


def test_a_linked_file_stays_a_link_and_what_it_leads_to_is_rewritten(tmp_path: Path) -> None:
    landing = two_listeners(tmp_path / "in")
    path, target = tmp_path / "in" / "a.jsonl", tmp_path / "kept-elsewhere.jsonl"
    path.rename(target)
    path.symlink_to(target)
    assert remove_rows(landing, landing.files[0], erasing("ann")) == 1
    assert path.is_symlink()
    assert target.read_text() == json.dumps({**PLAY, "listener_id": "bob"}) + "\n"


def test_a_shared_file_in_which_nobody_else_has_a_row_is_removed(tmp_path: Path) -> None:
    """Its name may be the listener's."""
    root = land(tmp_path / "in", {"export-ann.jsonl": [PLAY, "{", PLAY], "b.jsonl": [PLAY], "c.jsonl": ["{"]})
    landing = landed(root, "netgain", erasing("ann"))
    assert [remove_rows(landing, file, erasing("ann")) for file in landing.files] == [1, 0, 2]
    assert sorted(path.name for path in root.iterdir()) == ["c.jsonl", "export-ann.jsonl"]
    assert (root / "export-ann.jsonl").read_text() == "{\n"


@pytest.mark.parametrize("folder", ["events", ".events"])
def test_a_segment_that_arrived_after_the_night_began_loses_the_listener_and_stays_readable(
    tmp_path: Path, folder: str
) -> None:
    """The server may still hold the file open, so its bytes are overwritten in place."""
    play = {"kind": "play", "at": "2026-01-09T00:00:00Z", "artist_name": "A", "track_name": "T"}
    lines = [json.dumps(play | {"listener_id": token(name)}) + "\n" for name in ("ann", "bob")]
    path = tmp_path / "landing" / folder / "20260109T000000.000000Z-1.events"
    path.parent.mkdir(parents=True)
    path.write_text("".join(lines))
    with path.open("ab") as server:
        sought = Sought(frozenset({token("ann")}))
        assert mend(load_settings({}, workspace=tmp_path), path, sought) == ("landing", 0)
        server.write(lines[1].encode())
    assert not holds(path, sought)
    read = format_of("netgain-events").read(path.read_bytes(), Source(path.name))
    assert read.plays["listener_id"].to_pylist() == [token("bob")] * 2
    assert read.quarantine["reason"].to_pylist() == [Reason.MISSING_LISTENER]
