"""An incremental night does only the new work, and has the results of a night that does everything."""

import datetime as dt
import gzip
import json
import random
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.configuration import load_params
from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.params.interactions import InteractionParams
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import ingest as ingest_stage
from pipeline.stages import prepare as prepare_stage
from pipeline.stages import validate as validate_stage
from pipeline.storage.cache import Cache, link
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import EXCLUDED_LISTENERS
from pipeline.storage.tables import write_table
from pipeline.validation.bots import excluded_listeners
from pipeline.validation.daily import daily_facts
from tests.stages.test_ingest import PLAY, checksums

FIRST, AS_OF = dt.date(2026, 1, 1), dt.date(2026, 12, 31)
PARAMS = InteractionParams(
    item="artist", min_seconds_played=0, history_days=365, half_life_days=60, min_listeners_per_item=1
)

VALIDATION = load_params(Path(__file__).parents[2] / "params.yaml").validation.model_copy(update={"min_plays": 1})


def plays_of(day: int, n: int = 30) -> list[dict[str, Any]]:
    rng = random.Random(day)
    date = FIRST + dt.timedelta(days=day)
    return [
        PLAY
        | {
            "listener_id": f"l{rng.randrange(6)}",
            "played_at": f"{date}T{rng.randrange(24):02}:{rng.randrange(60):02}:00Z",
            "artist_id": (artist := f"a{rng.randrange(9)}"),
            "artist_name": artist.upper(),
        }
        for _ in range(n)
    ]


def land(root: Path, files: dict[str, list[Any]]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    for name, rows in files.items():
        text = "".join(json.dumps(row) + "\n" if isinstance(row, dict) else row + "\n" for row in rows).encode()
        (root / name).write_bytes(gzip.compress(text, mtime=0) if name.endswith(".gz") else text)


class Counting(InProcess):
    """An executor that counts the tasks of each kernel."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def map(self, kernel: Any, tasks: Any) -> Any:
        self.ran += [kernel.__name__] * len(tasks)
        return super().map(kernel, tasks)


def night(
    out: Path, root: Path, *, validates: bool = False, as_of: dt.date = AS_OF, params: InteractionParams = PARAMS
) -> list[str]:
    """Ingest, validate if asked for, and prepare; return the kernels that ran."""
    executor, data = Counting(), out / "data"
    out.mkdir(parents=True, exist_ok=True)
    write_json(out / "landing.json", take_inventory(root, "netgain"))
    paths = {"plays": data / "plays", "days": data / "days.json", "cache": out / "cache"}
    ingest_stage.ingest(
        read_landing(out / "landing.json", workspace=out),
        executor=executor,
        n_buckets=2,
        quarantine=data / "quarantine.parquet",
        report=data / "ingest.json",
        **paths,
    )
    facts = daily_facts(
        paths["plays"],
        read_json(paths["days"]),
        as_of=as_of,
        cache=Cache(out / "cache" / "aggregates"),
        bots=VALIDATION.bots,
    )
    excluded = excluded_listeners(facts, VALIDATION.bots)
    if validates:
        report, excluded = validate_stage.validate(
            ingest_report=data / "ingest.json",
            as_of=as_of,
            decision_from=as_of - dt.timedelta(days=7),
            params=VALIDATION,
            max_quarantine_share=0.5,
            **paths,
        )
        write_json(data / "validation.json", report)
    write_table(data / "excluded_listeners.parquet", excluded.to_arrow(), EXCLUDED_LISTENERS)
    for folder in ("daily", "follows"):
        shutil.rmtree(data / folder, ignore_errors=True)  # as DVC does
    prepare_stage.prepare(
        params,
        as_of=as_of,
        excluded_listeners=data / "excluded_listeners.parquet",
        daily=data / "daily",
        follows=data / "follows",
        items=data / "items.parquet",
        executor=executor,
        **paths,
    )
    return executor.ran


def assert_as_from_scratch(out: Path, root: Path, fresh: Path, *, validates: bool = False) -> None:
    night(fresh, root, validates=validates)
    assert checksums(out / "data") == checksums(fresh / "data")


def test_a_night_reads_only_new_files_and_writes_only_their_days(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {f"{day}.jsonl.gz": plays_of(day) for day in range(5)})
    assert night(out, root, validates=True) == ["read_file"] * 5 + ["write_day"] * 5 + ["aggregate_day"] * 5
    assert night(out, root) == []
    looked_at = {path.name for path in (out / "cache" / "aggregates").iterdir()}
    land(root, {"5.jsonl": plays_of(5)})
    assert night(out, root, validates=True) == ["read_file", "write_day", "aggregate_day"]
    assert len({path.name for path in (out / "cache" / "aggregates").iterdir()} - looked_at) == 1
    assert_as_from_scratch(out, root, tmp_path / "fresh", validates=True)


def test_the_order_of_plays_is_kept_on_demand_and_without_bots(tmp_path: Path) -> None:
    """A day's pairs are made once; those of a listener who is excluded later on are left out of every day."""
    root, out, follows = tmp_path / "in", tmp_path / "out", tmp_path / "out" / "data" / "follows"
    ordered = PARAMS.model_copy(update={"order": True})
    calm = [PLAY | {"listener_id": "ann", "played_at": f"2026-01-01T10:{minute:02}:00Z", "artist_id": artist}
            for minute, artist in ((0, "a"), (4, "b"), (8, "a"))]  # fmt: skip
    land(root, {"0.jsonl": [*calm, *(play | {"listener_id": "bob"} for play in calm)]})
    assert "aggregate_day" in night(out, root)
    assert not list(follows.iterdir())
    assert night(out, root, params=ordered) == ["aggregate_day"]
    pairs = pl.read_parquet(follows / "day=2026-01-01.parquet")
    assert pairs.select("item_id", "next_id", "distance", "n").rows() == [("a", "b", 1, 1), ("b", "a", 1, 1)] * 2
    # On the second day bob plays something every 20 s, all day long: no person does.
    times = [dt.timedelta(seconds=20 * n) for n in range(4320)]
    busy = [PLAY | {"listener_id": "bob", "track_id": f"t{at}", "played_at": f"2026-01-02T{at!s:0>8}Z"} for at in times]
    land(root, {"1.jsonl": busy})
    assert night(out, root, params=ordered) == ["read_file", "write_day", "aggregate_day"]
    assert set(pl.read_parquet(follows / "day=2026-01-01.parquet")["listener_id"]) == {token_of("ann", OPEN_KEY)}


@pytest.mark.parametrize("late", [1, 30])
def test_plays_that_come_late_go_into_their_own_day(tmp_path: Path, late: int) -> None:
    """Half a day that lands `late` days later gives the same table, but for the files' names, as one in time."""
    out, root = tmp_path / "out", tmp_path / "in"
    for day in range(late + 2):
        rows = plays_of(day)
        held = rows[15:] if day == 1 else []
        land(root, {f"{day:03}.jsonl": rows[: 15 if day == 1 else None]})
        night(out, root)
        if day == 1:
            waiting = held
    land(root, {f"{late + 9:03}-late.jsonl": waiting})
    assert night(out, root) == ["read_file", "write_day", "aggregate_day"]
    assert_as_from_scratch(out, root, tmp_path / "fresh")
    in_order = tmp_path / "in_order"
    land(in_order, {f"{day:03}.jsonl": plays_of(day) for day in range(late + 2)})
    night(tmp_path / "ordered", in_order)
    for part in ("daily", "items.parquet"):
        left, right = (folder / "data" / part for folder in (out, tmp_path / "ordered"))
        assert (checksums(left) if left.is_dir() else left.read_bytes()) == (
            checksums(right) if right.is_dir() else right.read_bytes()
        )


def test_everything_delivered_three_times_changes_nothing_but_the_count_of_duplicates(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {f"a{day}.jsonl": plays_of(day) for day in range(3)})
    night(out, root)
    once, plays = read_json(out / "data" / "ingest.json"), checksums(out / "data" / "plays")
    land(root, {f"{again}{day}.jsonl.gz": plays_of(day) for day in range(3) for again in "bc"})
    night(out, root)
    report = read_json(out / "data" / "ingest.json")
    assert checksums(out / "data" / "plays") == plays
    assert (report["accepted"], report["read"]) == (once["accepted"], 3 * once["read"])


def test_files_that_arrive_in_any_order_come_to_the_same(tmp_path: Path) -> None:
    files = {f"{day:02}.jsonl": plays_of(day) + plays_of(day - 1, 5) for day in range(1, 7)}
    for order, seed in (("in-order", None), ("shuffled", 3)):
        names = sorted(files)
        if seed is not None:
            random.Random(seed).shuffle(names)
        for name in names:
            land(tmp_path / order / "in", {name: files[name]})
            night(tmp_path / order, tmp_path / order / "in", validates=True)
    assert checksums(tmp_path / "in-order" / "data") == checksums(tmp_path / "shuffled" / "data")


def test_a_night_that_was_missed_is_made_up_for(tmp_path: Path) -> None:
    """Nights 3 and 5, then the missing 4 as a backfill, which ignores the plays that landed since."""
    root, out = tmp_path / "in", tmp_path / "out"
    nights = [FIRST + dt.timedelta(days=number) for number in range(6)]
    land(root, {f"{day}.jsonl": plays_of(day) for day in range(3)})
    night(out, root, as_of=nights[3])
    land(root, {"3.jsonl": plays_of(3)})
    night(tmp_path / "on-time", root, as_of=nights[4])
    land(root, {"4.jsonl": plays_of(4)})
    night(out, root, as_of=nights[5])
    night(out, root, as_of=nights[4])
    made_up, on_time = out / "data", tmp_path / "on-time" / "data"
    assert checksums(made_up / "daily") == checksums(on_time / "daily")
    assert (made_up / "items.parquet").read_bytes() == (on_time / "items.parquet").read_bytes()
    assert night(out, root, as_of=nights[5]) == []


def test_a_removed_file_removes_its_plays(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {"0.jsonl": plays_of(0), "1.jsonl": plays_of(1), "more.jsonl": plays_of(1, 40)})
    night(out, root)
    (root / "more.jsonl").unlink()
    assert night(out, root) == ["write_day", "aggregate_day"]
    assert_as_from_scratch(out, root, tmp_path / "fresh")
    assert len(list((out / "cache" / "files").iterdir())) == 2


def test_a_damaged_result_in_the_cache_is_made_again(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {f"{day}.jsonl": plays_of(day) for day in range(3)})
    night(out, root)
    before = checksums(out / "data")
    for number, folder in enumerate(sorted((out / "cache").rglob("made.json"))):
        if number % 2:
            folder.write_text("{half")
        else:
            for file in folder.parent.glob("*.parquet"):
                file.unlink()
                file.write_bytes(b"PAR1")
    assert night(out, root) != []
    assert checksums(out / "data") == before


def test_other_code_reads_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {"0.jsonl": plays_of(0)})
    night(out, root)
    monkeypatch.setattr(ingest_stage, "code_digest", lambda *_: "another version")
    assert night(out, root) == ["read_file", "write_day", "aggregate_day"]


def test_a_result_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "cache")

    def fails(folder: Path) -> dict[str, Any]:
        (folder / "half.parquet").write_bytes(b"half")
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        cache.make("k", fails)
    assert cache.find("k") is None
    assert list((tmp_path / "cache").iterdir()) == []


def test_another_file_of_the_same_name_leaves_the_cache_unchanged(tmp_path: Path) -> None:
    """Without DVC, which empties a stage's outputs, yesterday's table of a day is a hard link into the cache."""
    old, new, shown = (tmp_path / name for name in ("old", "new", "shown"))
    old.write_bytes(b"yesterday")
    new.write_bytes(b"today")
    link(old, shown)
    link(new, shown)
    assert (old.read_bytes(), shown.read_bytes()) == (b"yesterday", b"today")


def looping(listener: str, day: int, n: int = 1500) -> list[dict[str, Any]]:
    """Return a day of a listener who starts more plays than a person does."""
    date = FIRST + dt.timedelta(days=day)
    times = (dt.datetime.combine(date, dt.time(), dt.UTC) + dt.timedelta(seconds=57 * i) for i in range(n))
    return [PLAY | {"listener_id": listener, "played_at": f"{time:%Y-%m-%dT%H:%M:%SZ}"} for time in times]


def called(listener_id: str) -> str:
    """Return what tables call a listener."""
    return token_of(listener_id, OPEN_KEY)


def daily_listeners(out: Path) -> set[str]:
    days = pl.read_parquet(out / "data" / "daily" / "*.parquet")
    return set(days["listener_id"].to_list())


def test_an_excluded_listener_counts_on_no_day_and_is_back_when_the_reason_is_gone(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(root, {f"{day}.jsonl": plays_of(day) for day in range(3)})
    night(out, root, validates=True)
    assert called("l1") in daily_listeners(out)
    land(root, {"loop.jsonl": looping("l1", 1)})
    assert night(out, root, validates=True) == ["read_file", "write_day", "aggregate_day"]
    excluded = pl.read_parquet(out / "data" / "excluded_listeners.parquet")
    assert excluded.select("listener_id", "first_day", "days").rows() == [(called("l1"), dt.date(2026, 1, 2), 1)]
    assert daily_listeners(out) == {called(f"l{n}") for n in range(6) if n != 1}
    assert_as_from_scratch(out, root, tmp_path / "fresh", validates=True)
    (root / "loop.jsonl").unlink()
    night(out, root, validates=True)
    assert called("l1") in daily_listeners(out)
    assert list((out / "cache" / "daily-without").iterdir()) == []
    assert_as_from_scratch(out, root, tmp_path / "again", validates=True)


def test_a_day_is_written_again_only_if_other_listeners_of_it_are_excluded(tmp_path: Path) -> None:
    root, out = tmp_path / "in", tmp_path / "out"
    land(
        root,
        {
            f"{day}.jsonl": [
                PLAY | {"listener_id": who, "played_at": f"{FIRST + dt.timedelta(days=day)}T00:00:00Z"}
                for who in ("kept", "bot" if day < 3 else "late-bot")
            ]
            for day in range(5)
        },
    )
    land(root, {"loop.jsonl": looping("bot", 0)})
    night(out, root, validates=True)
    without = out / "cache" / "daily-without"
    first = {path.name: path.stat().st_mtime_ns for path in without.iterdir()}
    assert len(first) == 3
    land(root, {"more.jsonl": looping("late-bot", 4)})
    night(out, root, validates=True)
    second = {path.name: path.stat().st_mtime_ns for path in without.iterdir()}
    assert len(second) == 5
    assert first.items() <= second.items()
    assert daily_listeners(out) == {called("kept")}


@settings(deadline=None, max_examples=15)
@given(
    nights=st.lists(
        st.dictionaries(
            st.sampled_from(["a.jsonl", "b.jsonl.gz", "c.jsonl"]),
            st.lists(
                st.integers(0, 3).map(lambda day: plays_of(day, 5)[day]) | st.sampled_from(["{", "[]"]), max_size=6
            ),
            max_size=3,
        ),
        min_size=1,
        max_size=4,
    ),
    bots=st.lists(st.sampled_from(["", "l1", "l2"]), min_size=4, max_size=4),
)
def test_however_files_come_change_and_go_a_night_equals_one_from_scratch(
    nights: list[dict[str, list[Any]]], bots: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    out = tmp_path_factory.mktemp("nights")
    root = out / "in"
    land(root, {"always.jsonl": plays_of(0, 3)})
    for number, files in enumerate(nights):
        for name in ("a.jsonl", "b.jsonl.gz", "c.jsonl", "bot.jsonl"):
            (root / name).unlink(missing_ok=True)
        land(root, files)
        if bots[number]:
            land(root, {"bot.jsonl": looping(bots[number], number)})
        night(out / "out", root)
        assert_as_from_scratch(out / "out", root, out / f"fresh-{number}")
