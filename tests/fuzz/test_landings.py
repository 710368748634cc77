"""Every row of a dirty landing folder is accepted, a duplicate, or in quarantine with the right reason.

NETGAIN_FUZZ_FOLDERS sets how many folders are tried: 2,000 by `make fuzz`, a sample with the tests.
"""

import os
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import LandingError
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.formats import format_names
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import shown_path
from pipeline.logs.reasons import Reason, Repair
from tests.fuzz.dialect import Dialect, Play
from tests.fuzz.landings import Expected, make_landing, play_of
from tests.stages.test_ingest import assert_adds_up, run

N_FOLDERS = int(os.environ.get("NETGAIN_FUZZ_FOLDERS", "120"))
_BATCH = 40


def assert_as_expected(root: Path, out: Path, dialect: Dialect, files: dict[str, Expected]) -> None:
    report = run(root, out, format=dialect.format)
    plays = assert_adds_up(report, out)
    found = {file["path"]: file for file in report["files"]}
    if dialect.by_folder:
        files = {shown_path(path, OPEN_KEY): expected for path, expected in files.items()}
    assert found.keys() == files.keys()
    for path, expected in files.items():
        file = found[path]
        assert (file["read"], file["reasons"], file["repairs"]) == (
            expected.n_rows,
            dict(sorted(expected.reasons.items())),
            dict(sorted(expected.repairs.items())),
        ), path
        assert file["accepted"] + file["duplicate"] == expected.plays.total()
    written = Counter(called(play) for expected in files.values() for play in expected.plays)
    if dialect.tells_duration:
        assert Counter(map(play_of, plays.to_pylist())) == Counter(set(written))
    else:
        assert plays.num_rows == len({(p.listener, p.played_at, p.artist, p.track) for p in written})


def called(play: Play) -> Play:
    """Return a play as tables have it, of a token."""
    return replace(play, listener=token_of(play.listener, OPEN_KEY))


@pytest.mark.parametrize("first", range(0, N_FOLDERS, _BATCH))
def test_every_row_of_a_dirty_landing_folder_is_accounted_for(first: int, tmp_path: Path) -> None:
    for seed in range(first, min(first + _BATCH, N_FOLDERS)):
        root, out = tmp_path / f"in-{seed}", tmp_path / f"out-{seed}"
        dialect, files = make_landing(root, seed)
        try:
            assert_as_expected(root, out, dialect, files)
        except Exception as err:
            err.add_note(f"seed {seed}, format {dialect.format}")
            raise
        shutil.rmtree(root)
        shutil.rmtree(out)


def test_the_folders_exercise_every_reason_and_every_repair(tmp_path: Path) -> None:
    reasons, repairs, formats = Counter[str](), Counter[str](), set[str]()
    for seed in range(N_FOLDERS):
        dialect, files = make_landing(tmp_path / str(seed), seed)
        formats.add(dialect.format)
        for expected in files.values():
            reasons += expected.reasons
            repairs += expected.repairs
        shutil.rmtree(tmp_path / str(seed))
    assert formats == set(format_names())
    # These have tests of their own.
    assert set(Reason) - set(reasons) == {Reason.LONG_LINE, Reason.PLAYING_NOW, Reason.ERASED, Reason.TOO_MANY}
    assert set(Repair) - set(repairs) == {Repair.NO_ARTIST, Repair.NO_DURATION}


def test_a_line_of_fifty_megabytes_is_one_row_in_quarantine(tmp_path: Path) -> None:
    root = tmp_path / "in"
    root.mkdir()
    (root / "a.jsonl").write_bytes(b'{"listener_id": "' + b"x" * 50_000_000 + b'"}\n{}\n')
    report = run(root, tmp_path)
    assert_adds_up(report, tmp_path)
    assert report["reasons"] == {Reason.LONG_LINE: 1, Reason.MISSING_LISTENER: 1}


def test_an_empty_folder_is_refused_in_every_format(tmp_path: Path) -> None:
    for format in format_names():
        with pytest.raises(LandingError, match="holds no log of the format"):
            take_inventory(tmp_path, format)


def test_an_unexpected_row_is_noticed(tmp_path: Path) -> None:
    for seed in range(N_FOLDERS):
        root = tmp_path / str(seed)
        dialect, files = make_landing(root, seed)
        plain = [path for path in files if path.endswith(".jsonl")]
        if dialect.format == "netgain" and plain:
            break
    with (root / plain[0]).open("ab") as file:
        file.write(b"\n{}\n")
    with pytest.raises(AssertionError, match=plain[0]):
        assert_as_expected(root, tmp_path / "out", dialect, files)
