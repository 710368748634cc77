"""The bench of weeks ahead: what is relevant, what is known, and whose weeks are evidence."""

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from bench.real.__main__ import ROOT, measure, with_recipes
from bench.real.intervals import mean_of
from bench.real.measure import metrics_of
from bench.real.plays import START, exported, from_first_play
from bench.real.windows import evenly, windows
from pipeline.params.interactions import InteractionParams
from pipeline.params.split import SplitParams
from pipeline.recommenders.families.popular import PopularParams

INTERACTIONS = InteractionParams(
    item="artist", min_seconds_played=30.0, history_days=365, half_life_days=60.0, min_listeners_per_item=1
)
NEW = SplitParams(decision_days=7, tuning_days=7, target="new")


def plays(*rows):
    """Plays of (listener, artist, day from the first day of all)."""
    first = dt.datetime(2024, 3, 1, 12, tzinfo=dt.UTC)
    at = [first + dt.timedelta(days=day, minutes=n) for n, (_, _, day) in enumerate(rows)]
    table = pl.DataFrame(
        {"listener_id": [row[0] for row in rows], "item_id": [row[1] for row in rows], "played_at": at},
        schema_overrides={"played_at": pl.Datetime("us", "UTC")},
    )
    return table.with_columns(item_name="item_id", day=pl.col("played_at").dt.date(), ms_played=pl.lit(60_000))


def test_days_are_counted_from_each_listeners_first_play():
    moved = from_first_play(plays(("ann", "a", 0), ("ann", "b", 3), ("bob", "a", 100), ("bob", "b", 101)))
    assert [(day - START).days for day in moved["day"]] == [0, 3, 0, 1]
    assert (moved["played_at"].dt.date() == moved["day"]).all()


def test_windows_lie_evenly_apart():
    assert evenly(4, first=60, last=90) == [60, 70, 80, 90]
    assert evenly(3, first=60, last=60) == [60]


def test_a_week_ahead_holds_what_was_new_and_what_was_known(tmp_path):
    rows = [("ann", "a", 0), ("ann", "b", 1), ("bob", "c", 0), ("bob", "a", 2)]
    week = [("ann", "a", 10), ("ann", "c", 11), ("ann", "never heard", 12), ("ann", "too late", 17), ("bob", "c", 12)]
    moved = from_first_play(plays(*rows, *week))
    (window,) = windows(moved, [10], interactions=INTERACTIONS, split=NEW, scratch=tmp_path)
    assert window.day == 10
    assert window.listeners == ["ann"]  # to bob, nothing of the week was new
    assert (window.n_new.tolist(), window.n_known.tolist()) == ([2], [1])
    # Columns are a, b, c. The list [c, b, a] has the new one first and the known relevant one third.
    found = metrics_of(np.array([[2, 1, 0]], dtype=np.int32), window, only_new=True)
    assert found["ndcg"] == pytest.approx([1 / (1 + 1 / np.log2(3)) * (1 + 1 / np.log2(4))])
    assert found["ndcg_known"] == pytest.approx([1 / np.log2(4)])
    assert found["share_known"] == pytest.approx([2 / 3])


def test_a_week_without_anybody_is_left_out_and_no_week_at_all_is_one_line(tmp_path):
    few = from_first_play(plays(("ann", "a", 0), ("ann", "b", 1)))
    params = with_recipes(ROOT / "params.yaml", [], ["popular"])
    with pytest.raises(SystemExit, match="longer logs"):
        measure(few, params, [30], k=3, seed=1, scratch=tmp_path)


def test_each_recipe_is_fitted_on_what_came_before(tmp_path):
    rows = [("ann", "a", 0), ("bob", "a", 0), ("bob", "b", 1), ("cat", "b", 0), ("dan", "c", 0)]
    week = [("ann", "b", 10), ("cat", "a", 10)]
    params = with_recipes(ROOT / "params.yaml", ["recipes.popular.window_days=30"], ["popular"])
    assert isinstance(params.recipes["popular"], PopularParams)
    found = measure(from_first_play(plays(*rows, *week)), params, [10], k=1, seed=1, scratch=tmp_path)
    assert dict(zip(found["popular"].listeners, found["popular"].values["ndcg"], strict=True)) == {"ann": 1, "cat": 1}


def test_few_listeners_are_labelled_and_their_weeks_are_no_more_people():
    few = mean_of(["ann"] * 5 + ["bob"] * 5, [0.0, 0.1, 0.2, 0.1, 0.1, 0.9, 0.8, 0.9, 1.0, 0.9])
    assert few.few == "FEW: 2 listeners"
    width = {name: ends[1] - ends[0] for name, ends in (("l", few.over_listeners), ("w", few.over_weeks))}
    assert width["l"] > 5 * width["w"]
    many = mean_of([str(n) for n in range(40)], np.linspace(0, 1, 40).tolist())
    assert many.few == ""
    assert many.over_listeners == pytest.approx(many.over_weeks)


def test_an_unknown_recipe_is_one_line():
    with pytest.raises(SystemExit, match="expected one of"):
        with_recipes(ROOT / "params.yaml", [], ["magic"])


def test_a_folder_of_exports_is_read_by_the_readers_of_a_night(tmp_path):
    for listener, artist in (("ann", "A"), ("bob", "B")):
        (tmp_path / "exports" / listener).mkdir(parents=True)
        export = [
            {"endTime": f"2021-01-0{day} 10:00", "artistName": artist, "trackName": "t", "msPlayed": ms}
            for day, ms in ((1, 31_000), (2, 30_000), (3, 29_999))
        ]
        (tmp_path / "exports" / listener / "StreamingHistory0.json").write_text(json.dumps(export))
    read = exported(tmp_path / "exports", INTERACTIONS, format="auto", scratch=Path(tmp_path))
    assert sorted(read.select("item_name", "day").rows()) == [
        (artist, dt.date(2021, 1, day)) for artist, day in (("A", 1), ("A", 2), ("B", 1), ("B", 2))
    ]
    assert read["listener_id"].n_unique() == 2
