"""The world with a long tail matches the real figures of one, at the size of the real sample."""

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from pipeline.simulation.catalogue import LONG, SHORT, catalogue_size
from pipeline.simulation.comparison import compare, run_tail_comparison
from pipeline.simulation.facts import load_facts
from pipeline.simulation.simulate import simulate
from pipeline.simulation.tail import tail_statistics

SHARED = Path(__file__).resolve().parents[2] / "../shared/data/listening_tail.json"


@pytest.fixture(scope="module")
def figures():
    return run_tail_comparison()


def test_every_checked_figure_of_the_tail_is_within_its_bounds(figures):
    rows = compare(figures, "tail.json")
    outside = [row for row in rows if not row.within]
    assert not outside, "\n".join(map(str, outside))
    assert sum(row.is_checked for row in rows) >= 30


def test_the_facts_of_the_tail_are_those_of_the_real_sample():
    if not SHARED.is_file():
        pytest.skip(f"no {SHARED.name}: the shared data are not on this machine")
    real = json.loads(SHARED.read_text())
    samples = real.pop("artists_by_sample_of_listeners")
    real["artists_by_sample_of_listeners"] = {n: each["artists"] for n, each in samples.items()}
    real["heard_by_one_share_by_sample_of_listeners"] = {n: each["heard_by_one_share"] for n, each in samples.items()}
    assert {name: fact.real for name, fact in load_facts("tail.json").items()} == {
        name: real[name] for name in load_facts("tail.json")
    }


def test_a_long_tail_has_more_artists_and_grows_faster():
    assert catalogue_size(1500, LONG) > 10 * catalogue_size(1500)
    assert catalogue_size(6000, LONG) / catalogue_size(1500, LONG) > catalogue_size(6000) / catalogue_size(1500)


def plays(*rows):
    """Plays of (listener, artist, minutes from the start), of a minute each."""
    first = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    table = {
        "listener_id": [row[0] for row in rows],
        "artist_id": [row[1] for row in rows],
        "played_at": [first + dt.timedelta(minutes=row[2]) for row in rows],
        "ms_played": [60_000] * len(rows),
    }
    return pl.DataFrame(table, schema_overrides={"played_at": pl.Datetime("us", "UTC")})


def test_bands_and_overlap_are_those_of_a_small_table():
    found = tail_statistics(plays((1, "a", 0), (1, "b", 1), (2, "b", 0), (2, "b", 9), (2, "c", 10), (3, "b", 0)))
    assert found["artists_by_number_of_listeners_share"]["1"] == 2 / 3
    assert found["artists_by_number_of_listeners_share"]["3-5"] == 1 / 3
    assert found["plays_by_number_of_listeners_of_artist_share"]["3-5"] == 4 / 6
    # Pairs of listeners have 1 of 3, 1 of 2 and 1 of 2 artists in common.
    assert found["jaccard_of_artists_between_two_listeners"]["p50"] == pytest.approx(1 / 2)
    assert found["jaccard_of_artists_between_two_listeners"]["p5"] == pytest.approx(1 / 3 + 0.1 * (1 / 2 - 1 / 3))


def test_what_comes_next_is_guessed_from_earlier_plays():
    # Ten rounds of a, b; the last fifth is asked for: each move was seen before.
    rows = [(1, "ab"[n % 2], n) for n in range(20)]
    found = tail_statistics(plays(*rows))["next_artist_in_top_10"]
    assert found == {"transitions_of_everybody": 1.0, "own_favourites": 1.0, "popular": 1.0}
    fresh = [*rows[:16], *((1, f"new {n}", n) for n in range(16, 20))]
    assert set(tail_statistics(plays(*fresh))["next_artist_in_top_10"].values()) == {0.0}


def test_new_artists_of_settled_weeks_are_counted_and_those_played_once():
    day = 24 * 60
    weeks = [(1, "old", 7 * day * week) for week in range(13)]
    found = tail_statistics(plays(*weeks, (1, "once", 70 * day), (1, "twice", 71 * day), (1, "twice", 72 * day)))
    assert found["new_artists_in_a_week_after_60_days"]["p95"] > 0
    assert found["new_artists_played_once_share"] == 1 / 2
    assert found["new_artists_also_heard_by_another_listener_share"] == 0


def test_logs_of_the_long_tail_are_written_with_the_same_bytes_again(tmp_path):
    small = {"n_listeners": 5, "n_days": 2, "seed": 3, "start": dt.date(2026, 1, 1), "n_artists": 5000}
    made = [simulate(**small, out=tmp_path / name, shape=LONG)["plays"] for name in ("a", "b")]
    files = [sorted((tmp_path / name).iterdir()) for name in ("a", "b")]
    assert made[0] == made[1] > 0
    assert [each.read_bytes() for each in files[0]] == [each.read_bytes() for each in files[1]]
    short = simulate(**small, out=tmp_path / "c", shape=SHORT)
    assert [each.read_bytes() for each in sorted((tmp_path / "c").iterdir())] != [e.read_bytes() for e in files[0]]
    assert short["plays"] > 0
