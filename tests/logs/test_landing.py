"""The inventory of a landing folder, and what it refuses."""

import hashlib
import json
import os
from pathlib import Path

import pytest

from pipeline.errors import LandingError, ParamsError, TableError
from pipeline.identity.tokens import OPEN_FINGERPRINT
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import LandedFile, open_landed, read_landing

WRITTEN_AT = 1_767_225_600
SHA_OF_A = hashlib.sha256(b"a").hexdigest()


@pytest.fixture
def landing(tmp_path: Path) -> Path:
    root = tmp_path / "landing"
    (root / "later").mkdir(parents=True)
    (root / "later" / "b.jsonl").write_bytes(b"bb")
    (root / "a.jsonl").write_bytes(b"a")
    (root / "README").write_bytes(b"not a log")
    for path in root.rglob("*.jsonl"):
        os.utime(path, (WRITTEN_AT, WRITTEN_AT))
    return root


def test_the_inventory_lists_logs_by_path_with_size_and_checksum(landing: Path, tmp_path: Path) -> None:
    assert take_inventory(landing, "netgain", workspace=tmp_path) == {
        "format": "netgain",
        "root": "landing",
        "files": [
            {"path": "a.jsonl", "bytes": 1, "sha256": SHA_OF_A, "written_at": WRITTEN_AT},
            {
                "path": "later/b.jsonl",
                "bytes": 2,
                "sha256": hashlib.sha256(b"bb").hexdigest(),
                "written_at": WRITTEN_AT,
            },
        ],
        "id_key": OPEN_FINGERPRINT,
    }


def test_a_root_outside_the_workspace_is_written_as_seen_from_it(landing: Path, tmp_path: Path) -> None:
    assert take_inventory(landing, "netgain", workspace=tmp_path / "clone")["root"] == "../landing"


def test_a_single_file_can_be_the_landing(landing: Path, tmp_path: Path) -> None:
    found = take_inventory(landing / "a.jsonl", "netgain", workspace=tmp_path)
    assert (found["root"], [file["path"] for file in found["files"]]) == ("landing", ["a.jsonl"])


def test_an_unchanged_file_is_not_read_again(landing: Path, tmp_path: Path) -> None:
    cache, file = tmp_path / "cache.json", landing / "a.jsonl"
    for path in landing.rglob("*.jsonl"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    first = take_inventory(landing, "netgain", cache=cache)
    known = json.loads(cache.read_text())
    known[file.as_posix()][2] = "remembered"
    cache.write_text(json.dumps(known))
    assert take_inventory(landing, "netgain", cache=cache)["files"][0]["sha256"] == "remembered"
    file.write_bytes(b"c")
    assert take_inventory(landing, "netgain", cache=cache)["files"][0]["sha256"] == hashlib.sha256(b"c").hexdigest()
    cache.write_text("{ broken")
    file.write_bytes(b"a")
    os.utime(file, (1_700_000_000, 1_700_000_000))
    assert take_inventory(landing, "netgain", cache=cache) == first


def test_a_missing_folder_and_one_without_logs_are_refused(landing: Path) -> None:
    with pytest.raises(LandingError, match="does not exist"):
        take_inventory(landing / "nowhere", "netgain")
    with pytest.raises(LandingError, match=r"a.jsonl holds no log of the format spotify"):
        take_inventory(landing / "a.jsonl", "spotify")
    with pytest.raises(LandingError, match=r"no log of the format spotify.*StreamingHistory"):
        take_inventory(landing, "spotify")


def test_an_unknown_format_names_the_known_ones(landing: Path) -> None:
    with pytest.raises(ParamsError, match=r"lastfm-1k, lastfm-csv, librefm, listenbrainz, .*, spotify-extended, table"):
        take_inventory(landing, "deezer")


def test_a_file_that_changed_since_the_inventory_is_refused(landing: Path) -> None:
    file = LandedFile("a.jsonl", 1, SHA_OF_A, WRITTEN_AT)
    assert open_landed(landing, file) == b"a"
    for content in (b"b", b"ab"):
        (landing / "a.jsonl").write_bytes(content)
        with pytest.raises(LandingError, match=r"a\.jsonl changed after it landed"):
            open_landed(landing, file)
    (landing / "a.jsonl").unlink()
    with pytest.raises(LandingError, match=r"a\.jsonl cannot be read"):
        open_landed(landing, file)


def test_an_inventory_is_read_back(landing: Path, tmp_path: Path) -> None:
    written = take_inventory(landing, "netgain", workspace=tmp_path)
    (tmp_path / "landing.json").write_text(json.dumps(written))
    read = read_landing(tmp_path / "landing.json", workspace=tmp_path)
    assert (read.format, read.root) == ("netgain", landing)
    assert read.files[0] == LandedFile("a.jsonl", 1, SHA_OF_A, WRITTEN_AT)


@pytest.mark.parametrize("path", ["../a.jsonl", "/etc/passwd", "x/../../y.jsonl"])
def test_an_inventory_that_leads_out_of_the_landing_folder_is_refused(path: str, tmp_path: Path) -> None:
    files = [{"path": path, "bytes": 1, "sha256": "", "written_at": 0}]
    (tmp_path / "landing.json").write_text(json.dumps({"format": "netgain", "root": "landing", "files": files}))
    with pytest.raises(LandingError, match="leads out"):
        read_landing(tmp_path / "landing.json", workspace=tmp_path)


def test_a_file_that_is_not_an_inventory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError):
        read_landing(tmp_path / "landing.json", workspace=tmp_path)
    (tmp_path / "landing.json").write_text("[]")
    with pytest.raises(LandingError, match="not an inventory"):
        read_landing(tmp_path / "landing.json", workspace=tmp_path)
