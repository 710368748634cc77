"""Bots are excluded, each with a reason; listeners that may be people are not."""

import datetime as dt
import itertools
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pipeline.identity.tokens import OPEN_KEY, token_of
from pipeline.logs.formats import format_of
from pipeline.logs.inventory import take_inventory
from pipeline.logs.landing import read_landing
from pipeline.logs.reading import Source
from pipeline.runtime.inprocess import InProcess
from pipeline.simulation.dirt import Dirt
from pipeline.simulation.simulate import simulate
from pipeline.stages.ingest import ingest
from pipeline.storage.cache import Cache
from pipeline.storage.json_files import read_json, write_json
from pipeline.validation.bots import REASONS, bot_facts, bot_suite, excluded_listeners, suspects
from pipeline.validation.daily import daily_facts
from tests.validation.days_of import PARAMS, held_against

BOTS = PARAMS.bots
NEW_YEAR = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
EXPORTS = Path(__file__).parents[3] / "shared" / "data" / "spotify-exports"


def plays(seconds: list[float], *, ms: int | None = 1000, listener: str = "l") -> pl.DataFrame:
    """A listener's plays at seconds of New Year's Day."""
    return pl.DataFrame(
        {
            "listener_id": [listener] * len(seconds),
            "played_at": [NEW_YEAR + dt.timedelta(seconds=second) for second in seconds],
            "ms_played": pl.Series([ms] * len(seconds), dtype=pl.Int64),
        }
    )


def reasons(of: pl.DataFrame) -> list[str]:
    found = suspects(of, BOTS)
    return [] if not found.height else [name for name in REASONS if found[name][0]]


def habit(days: list[int], *, column: str = "around_the_clock", listener: str = "l") -> list[dict[str, Any]]:
    one = {"listener_id": listener, "plays": 10, **{name: name == column for name in REASONS}}
    return [{"day": f"2026-01-{n:02}", "listeners": 100, "suspects": [one]} for n in days]


def test_a_listener_with_more_hours_than_a_day_has_is_suspicious() -> None:
    hours = [3600.0 * n for n in range(0, 24, 2)]
    assert reasons(plays(hours, ms=2 * 3_600_000)) == []
    assert reasons(plays(hours, ms=2 * 3_600_000 + 1)) == []  # one play may lie half in another day
    assert reasons(plays(hours, ms=round(2.2 * 3_600_000))) == ["too_long"]


def test_a_listener_with_too_many_plays_is_suspicious() -> None:
    skips = list(itertools.accumulate(1.0 if n % 9 else 500.0 for n in range(1441)))
    assert reasons(plays(skips[:1440], ms=None)) == []
    assert reasons(plays(skips, ms=None)) == ["too_many"]


def test_plays_in_every_hour_are_suspicious() -> None:
    assert reasons(plays([3600.0 * n + 5 for n in range(24)])) == ["around_the_clock"]
    assert reasons(plays([3600.0 * n + 5 for n in range(23)])) == []


def test_a_regular_rhythm_is_suspicious() -> None:
    steady = [60.0 * n for n in range(721)]
    assert reasons(plays(steady)) == ["no_spread"]
    assert reasons(plays(steady[:720])) == []  # a track that repeats for half a day happens to people
    halting = list(itertools.accumulate(10.0 if n % 9 else 400.0 for n in range(721)))
    assert reasons(plays(halting)) == []


def test_a_habit_counts_after_consecutive_days() -> None:
    assert excluded_listeners(habit([1, 2, 3, 4, 5, 6]), BOTS).height == 0
    assert excluded_listeners(habit([1, 2, 3, 5, 6, 7, 8]), BOTS).height == 0
    (row,) = excluded_listeners(habit([1, 3, 4, 5, 6, 7, 8, 9]), BOTS).to_dicts()
    assert row == {
        "listener_id": "l",
        "reason": REASONS["around_the_clock"],
        "first_day": dt.date(2026, 1, 1),
        "days": 8,
        "plays": 80,
    }


@pytest.mark.parametrize("column", ["too_long", "too_many"])
def test_impossible_behaviour_counts_at_once(column: str) -> None:
    assert excluded_listeners(habit([4], column=column), BOTS)["reason"].to_list() == [REASONS[column]]


def test_the_first_sufficient_reason_is_given() -> None:
    days = habit([1, 2, 3], column="around_the_clock") + habit([5], column="too_many")
    assert excluded_listeners(days, BOTS).select("reason", "days").rows() == [(REASONS["too_many"], 1)]


def test_excluded_listeners_are_counted_and_too_many_stop_the_night() -> None:
    days = [day for n in range(20) for day in habit([1], column="too_many", listener=f"secret-{n}")]
    facts = bot_facts(excluded_listeners(days, BOTS), days, min_listeners=30)
    found = held_against(facts, bot_suite(facts, BOTS), nullable={"excluded_listener_share"})
    assert found.excluded_listeners == (f"no listener behaves like a bot (20 for {REASONS['too_many']})",)
    assert found.failures == ("at most 10% of listeners are excluded (20 are)",)
    assert "secret" not in str(found.as_json())


def test_a_few_excluded_listeners_do_not_stop_the_night() -> None:
    days = habit([1], column="too_many")
    facts = bot_facts(excluded_listeners(days, BOTS), days, min_listeners=30)
    found = held_against(facts, bot_suite(facts, BOTS), nullable={"excluded_listener_share"})
    assert (found.success, len(found.excluded_listeners), found.warnings) == (True, 1, ())


def test_no_excluded_listener_meets_the_expectation() -> None:
    facts = bot_facts(excluded_listeners([], BOTS), [], min_listeners=30)
    found = held_against(facts, bot_suite(facts, BOTS), nullable={"excluded_listener_share"})
    assert (found.excluded_listeners, len(found.undecided)) == ((), 1)


def test_the_simulated_bots_are_found_and_no_simulated_person(tmp_path: Path) -> None:
    # Without spoilt lines: one kind of them is read as a play of its own.
    dirt = Dirt(malformed_share=0)
    told = simulate(n_listeners=120, n_days=9, seed=5, start=NEW_YEAR.date(), out=tmp_path / "landing", dirt=dirt)
    write_json(tmp_path / "landing.json", take_inventory(tmp_path / "landing", "netgain"))
    ingest(
        read_landing(tmp_path / "landing.json", workspace=tmp_path),
        executor=InProcess(),
        n_buckets=2,
        plays=tmp_path / "plays",
        days=tmp_path / "days.json",
        cache=tmp_path / "cache",
        quarantine=tmp_path / "quarantine.parquet",
        report=tmp_path / "ingest.json",
    )
    days = daily_facts(
        tmp_path / "plays",
        read_json(tmp_path / "days.json"),
        as_of=NEW_YEAR.date() + dt.timedelta(days=9),
        cache=Cache(tmp_path / "facts"),
        bots=BOTS,
    )
    found = excluded_listeners(days, BOTS)
    assert told["bots"] != []
    assert found["listener_id"].to_list() == sorted(token_of(bot, OPEN_KEY) for bot in told["bots"])
    assert found["days"].to_list() == [9] * len(told["bots"])
    assert found["plays"].sum() == told["bot_plays"]


@pytest.mark.skipif(not EXPORTS.is_dir(), reason="the real exports are not here")
def test_none_of_six_real_listeners_is_a_bot() -> None:
    read = [
        format_of("spotify").read(path.read_bytes(), Source(path.relative_to(EXPORTS).as_posix())).plays
        for path in sorted(EXPORTS.glob("listener-*/StreamingHistory*.json"))
    ]
    every = pl.concat([pl.DataFrame(table) for table in read]).unique(["listener_id", "played_at", "track_id"])
    assert every["listener_id"].n_unique() == 6
    by_day = every.with_columns(day=pl.col("played_at").dt.date()).partition_by("day", as_dict=True)
    days = [
        {"day": day.isoformat(), "suspects": suspects(of_day, BOTS).to_dicts()} for (day,), of_day in by_day.items()
    ]
    assert len(days) > 1000
    assert excluded_listeners(days, BOTS).height == 0
