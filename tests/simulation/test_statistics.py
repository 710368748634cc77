"""Figures of plays small enough to count by hand."""

import math
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from pipeline.simulation.statistics import statistics

MONDAY = datetime(2026, 1, 5, 10, tzinfo=UTC)


def plays(*rows):
    """Return plays from rows of (listener, minutes after Monday 10:00, artist, track, ms)."""
    return pl.DataFrame(
        [(who, MONDAY + timedelta(minutes=at), artist, track, ms) for who, at, artist, track, ms in rows],
        schema={
            "listener_id": pl.String,
            "played_at": pl.Datetime("us", "UTC"),
            "artist_id": pl.String,
            "track_id": pl.String,
            "ms_played": pl.Int64,
        },
        orient="row",
    )


DAY = 24 * 60


def test_copies_are_counted_then_left_out():
    found = statistics(plays(("u", 0, "a", "x", 0), ("u", 0, "a", "x", 0), ("u", 5, "a", "y", 40_000)))
    assert found["exact_duplicate_share"] == pytest.approx(1 / 3)
    assert found["share_ms_zero"] == 1 / 2
    assert found["share_plays_under_30s"] == 1 / 2


def test_a_session_ends_after_more_than_thirty_minutes():
    found = statistics(plays(*[("u", at, "a", "x", 1) for at in (0, 30, 61)], ("v", 61, "a", "x", 1)))
    assert found["session_plays_mean"] == pytest.approx((2 + 1 + 1) / 3)


def test_the_artist_before_counts_within_a_session_only():
    rows = [("u", 0, "a", "x", 1), ("u", 4, "a", "y", 1), ("u", 8, "b", "z", 1), ("u", 100, "b", "z", 1)]
    assert statistics(plays(*rows))["same_artist_as_previous_play_in_session"] == 1 / 2


def test_activity_is_over_active_days_and_their_span():
    rows = [("u", 0, "a", "x", 1), ("u", 5, "a", "x", 1), ("u", 3 * DAY, "a", "x", 1)]
    found = statistics(plays(*rows))
    assert found["plays_per_listener_day"]["p50"] == 3 / 2
    assert found["share_of_days_active"]["p50"] == 2 / 4
    assert found["weekday_share_mon_first"] == pytest.approx([2 / 3, 0, 0, 1 / 3, 0, 0, 0])
    assert found["hour_of_day_share_utc"][10] == 1


def test_repeats_count_after_ninety_days_and_remember_what_was_before():
    late = 91 * DAY
    rows = [
        ("u", 0, "a", "x", 1),
        ("u", late, "a", "x", 1),
        ("u", late + 5, "a", "y", 1),
        ("u", late + 10, "b", "z", 1),
    ]
    found = statistics(plays(*rows))
    assert found["repeat_track_share_after_90_days"]["p50"] == pytest.approx(1 / 3)
    assert found["repeat_artist_share_after_90_days"]["p50"] == pytest.approx(2 / 3)
    assert found["time_between_repeats_of_a_track_days"]["p50"] == 91


def test_the_jaccard_index_compares_whole_quarters_of_91_days():
    rows = [("u", 0, "a", "x", 1), ("u", 5, "b", "x", 1), ("u", 91 * DAY, "b", "x", 1), ("u", 182 * DAY, "c", "x", 1)]
    # The third quarter has begun only, and is left out: {a, b} against {b}.
    assert statistics(plays(*rows))["top50_artist_jaccard_consecutive_quarters"]["p50"] == 1 / 2


def test_an_artist_of_one_listener_is_told_from_a_shared_one():
    rows = [("u", 0, "a", "x", 1), ("v", 0, "a", "x", 1), ("v", 5, "b", "y", 1)]
    assert statistics(plays(*rows))["artists_heard_by_one_listener_only_share"] == 1 / 2


def test_concentration_is_the_share_of_the_top_tenth():
    rows = [("u", 5 * i, "a", "hit" if i < 11 else f"track {i}", 1) for i in range(20)]
    # Ten tracks: the hit with 11 plays and nine with one each.
    assert statistics(plays(*rows))["listener_share_of_plays_on_top10pct_tracks"]["p50"] == 11 / 20


def test_the_exponent_of_a_planted_power_law_is_found():
    n_artists, exponent = 3_000, 0.9
    rows = [
        (f"u{i}", 0, f"a{rank}", "x", 1)
        for rank in range(1, n_artists + 1)
        for i in range(round(20 * (n_artists / rank) ** exponent))
    ]
    assert statistics(plays(*rows))["artist_plays_zipf_exponent_rank10_3000"] == pytest.approx(exponent, abs=0.01)


def test_a_figure_that_too_few_plays_reach_is_nan():
    found = statistics(plays(("u", 0, "a", "x", 40_000)))
    assert math.isnan(found["repeat_track_share_after_90_days"]["p50"])
    assert math.isnan(found["artist_plays_zipf_exponent_rank10_3000"])
    assert math.isnan(found["same_artist_as_previous_play_in_session"])
    assert math.isnan(statistics(plays())["share_ms_zero"])


def test_arrow_tables_are_read_as_well():
    table = plays(("u", 0, "a", "x", 40_000))
    assert statistics(table.to_arrow())["events"] == 1
