import gzip
import json
from datetime import date, datetime
from pathlib import Path

import pytest

from pipeline.errors import ParamsError
from pipeline.simulation.dirt import CLEAN, Dirt
from pipeline.simulation.simulate import simulate

START = date(2026, 1, 1)
FIELDS = ["listener_id", "played_at", "artist_id", "artist_name", "track_id", "track_name", "ms_played"]


def run(out: Path, **changes):
    return simulate(**{"n_listeners": 60, "n_days": 3, "seed": 5, "start": START, "out": out} | changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def read_lines(path: Path) -> list[bytes]:
    return gzip.decompress(path.read_bytes()).splitlines()


def readable(line: bytes):
    """Return the play of a line, or None if it is not valid."""
    try:
        play = json.loads(line)
        datetime.fromisoformat(play["played_at"])
    except (ValueError, KeyError):
        return None
    return play if list(play) == FIELDS and all(value is not None for value in play.values()) else None


def test_the_same_seed_gives_identical_bytes_and_another_seed_does_not(tmp_path):
    assert run(tmp_path / "a") == run(tmp_path / "b")
    run(tmp_path / "c", seed=6)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert list(contents(tmp_path / "c")) == list(contents(tmp_path / "a"))
    assert contents(tmp_path / "c") != contents(tmp_path / "a")


def test_one_file_a_day_is_named_by_its_day(tmp_path):
    run(tmp_path, start=date(2026, 2, 27))
    assert list(contents(tmp_path)) == [f"plays-2026-{day}.jsonl.gz" for day in ("02-27", "02-28", "03-01")]


def test_more_days_leave_earlier_files_alone(tmp_path):
    first = run(tmp_path)
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in tmp_path.iterdir()}
    more = run(tmp_path, n_days=4)
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in before} == before
    assert (first["files_written"], more["files_written"]) == (3, 1)
    assert more["files"][:3] == first["files"]


def test_a_damaged_file_is_written_again(tmp_path):
    run(tmp_path)
    right = contents(tmp_path)
    (tmp_path / "plays-2026-01-02.jsonl.gz").write_bytes(b"half a file")
    assert run(tmp_path)["files_written"] == 1
    assert contents(tmp_path) == right


def test_dirt_is_counted_as_a_reader_finds_it(tmp_path):
    declared = run(tmp_path, n_listeners=200, dirt=Dirt(malformed_share=0.01))
    for file in declared["files"]:
        lines = read_lines(tmp_path / file["path"])
        plays = [line for line in lines if readable(line)]
        assert len(lines) == file["lines"] == file["plays"] + file["duplicates"] + file["malformed"]
        assert len(lines) - len(plays) == file["malformed"] == sum(file["malformed_by_kind"].values())
        assert len(set(plays)) == file["plays"]
        unique = [json.loads(line) for line in set(plays)]
        assert sum(play["ms_played"] == 0 for play in unique) == file["zero_plays"]
        assert sum(play["listener_id"] in declared["bots"] for play in unique) == file["bot_plays"]
        assert all(play["played_at"][:10] == file["path"][6:16] for play in unique)
    assert declared["duplicates"] / (declared["plays"] + declared["duplicates"]) == pytest.approx(0.015, abs=1e-4)
    assert declared["malformed"] / declared["lines"] == pytest.approx(0.01, abs=1e-4)
    assert all(n > 0 for n in declared["malformed_by_kind"].values())


def test_a_bot_plays_round_the_clock(tmp_path):
    declared = run(tmp_path, n_days=1)
    assert declared["bots"] == ["L000061"]
    plays = [play for line in read_lines(tmp_path / "plays-2026-01-01.jsonl.gz") if (play := readable(line))]
    hours = {play["played_at"][11:13] for play in plays if play["listener_id"] == "L000061"}
    assert len(hours) == 24
    assert 86_400 / 40 <= declared["bot_plays"] <= 86_400 / 20


def test_a_clean_log_holds_nothing_but_distinct_plays_in_order_of_time(tmp_path):
    declared = run(tmp_path, n_days=1, dirt=CLEAN)
    plays = [readable(line) for line in read_lines(tmp_path / "plays-2026-01-01.jsonl.gz")]
    assert None not in plays
    assert len(plays) == declared["lines"] == declared["plays"]
    assert len({(play["listener_id"], play["played_at"]) for play in plays}) == len(plays)
    times = [play["played_at"] for play in plays]
    assert times == sorted(times)


def test_ids_have_one_name_each_and_names_read_as_names(tmp_path):
    run(tmp_path, n_days=1, dirt=CLEAN)
    plays = [json.loads(line) for line in read_lines(tmp_path / "plays-2026-01-01.jsonl.gz")]
    for kind in ("artist", "track"):
        named = {(play[f"{kind}_id"], play[f"{kind}_name"]) for play in plays}
        assert len(named) == len({identifier for identifier, _ in named})
    artists = {play["artist_id"]: play["artist_name"] for play in plays}
    assert len(set(artists.values())) == len(artists)
    assert not any(digit in name for name in artists.values() for digit in "0123456789")


def test_progress_is_called_after_each_day(tmp_path):
    calls = []
    run(tmp_path, progress=lambda done, of: calls.append((done, of)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_a_single_listener_is_audience_enough(tmp_path):
    assert run(tmp_path, n_listeners=1)["bots"] == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"n_listeners": 0}, "--listeners 0"),
        ({"n_days": -1}, "--days -1"),
        ({"seed": 2**32}, "--seed 4294967296"),
        ({"start": date(9999, 12, 30)}, "--start 9999-12-30"),
    ],
)
def test_a_value_out_of_range_is_refused_by_name_and_nothing_is_written(tmp_path, changes, named):
    with pytest.raises(ParamsError, match=named):
        run(tmp_path / "landing", **changes)
    assert not (tmp_path / "landing").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "landing").write_text("")
    with pytest.raises(ParamsError, match="--out"):
        run(tmp_path / "landing")
