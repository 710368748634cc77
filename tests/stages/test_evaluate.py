"""The stages evaluate and evaluate_served on nights worked out by hand, with the real popular list."""

import datetime as dt
from math import log2
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from pipeline.errors import RecipeError
from pipeline.metrics.cost import Cost
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import scoring
from pipeline.stages.evaluate import evaluate
from pipeline.stages.evaluate_served import evaluate_served, nothing_served
from pipeline.stages.layout import Layout
from pipeline.storage.daily_credit import DAILY_CREDIT, read_daily
from pipeline.storage.evaluation_table import EVALUATION, read_listeners, read_metric
from pipeline.storage.json_files import read_json
from pipeline.storage.tables import read_table
from tests.stages import small_night


def rows(path: Path) -> dict[str, dict[str, Any]]:
    return {row["listener_id"]: row for row in read_table(path, EVALUATION).to_pylist()}


def test_the_popular_list_by_hand(tmp_path: Path) -> None:
    """Without what each has heard: ann gets c, d; bob b; cay d; dan a, c. eve is not in training: no list."""
    small_night.plant(tmp_path)
    evaluate(small_night.context(tmp_path), "popular", InProcess())
    layout = Layout(tmp_path)
    got = rows(layout.evaluation("popular"))
    assert list(got) == ["ann", "bob", "dan", "eve"]
    assert got["ann"]["ndcg"] == 1
    assert got["bob"]["ndcg"] == 0  # d was heard before: with target new it is kept out of the list
    assert got["dan"]["ndcg"] == pytest.approx(1 / (1 + 1 / log2(3)))  # a at rank 1 of two relevant items
    assert got["dan"]["recall"] == 1 / 2  # z is in no catalogue and still relevant
    assert got["eve"]["ndcg"] == 0
    assert got["eve"]["slice_new"]
    assert not got["eve"]["slice_light"]
    assert got["dan"]["slice_new"]  # first heard on 20 February, within 28 days of 1 March
    assert got["dan"]["slice_light"]
    metrics = read_json(layout.metrics("popular"))
    assert metrics["ndcg_at_2"] == pytest.approx((1 + 0 + 1 / (1 + 1 / log2(3)) + 0) / 4)
    assert metrics["n_eligible"] == 4
    assert metrics["catalogue_coverage"] == 4 / 4
    assert metrics["invalid_lists"] == 0
    # Six recommendations: a, b of 3 in 4 listeners, c twice of 2 in 4, d twice of 1 in 4.
    assert metrics["novelty"] == pytest.approx((2 * -log2(3 / 4) + 2 * 1 + 2 * 2) / 6)
    # The top 1 % of four items is one item, a.
    assert metrics["top_1_percent_share"] == pytest.approx(1 / 6)


def test_the_days_of_the_popular_list_by_hand(tmp_path: Path) -> None:
    """ann's hit c was first played on 3 March; dan's two hits, a and d, on 1 and on 7 March."""
    small_night.plant(tmp_path)
    layout = Layout(tmp_path)
    third, seventh = dt.date(2026, 3, 3), dt.date(2026, 3, 7)
    days = {("ann", "c"): third, ("dan", "d"): seventh, ("eve", "a"): dt.date(2026, 3, 5)}
    small_night.write_relevant(
        layout.relevant, {"ann": ["c"], "bob": ["d"], "dan": ["a", "d"], "eve": ["a"]}, first_day=days
    )
    evaluate(small_night.context(tmp_path, k=3), "popular", InProcess())
    ideal = 1 + 1 / log2(3)
    assert read_table(layout.daily_credit("popular"), DAILY_CREDIT).to_pylist() == [
        {"listener_id": "ann", "day": third, "ndcg": 1},
        {"listener_id": "dan", "day": dt.date(2026, 3, 1), "ndcg": 1 / ideal},
        {"listener_id": "dan", "day": seventh, "ndcg": pytest.approx(1 / log2(4) / ideal)},
    ]


def test_a_listeners_days_add_up_to_their_mean_over_fits(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    layout = Layout(tmp_path)
    played = {"ann": ["c", "d"], "bob": ["b"], "dan": ["a", "c", "d", "z"], "eve": ["a"]}
    pairs = [(name, item) for name, items in played.items() for item in items]
    days = {pair: dt.date(2026, 3, 1 + n % 4) for n, pair in enumerate(pairs)}
    small_night.write_relevant(layout.relevant, played, first_day=days)
    other = small_night.write_fold(tmp_path / "other", {"ann": ["a", "b", "c", "d"], "x": ["d"], "y": ["d", "c"]})
    small_night.fit_popular(layout.model("popular") / "seed-1", tmp_path / "other", other)
    evaluate(small_night.context(tmp_path, k=3), "popular", InProcess())
    listeners = read_listeners(layout.evaluation("popular"))
    _, values = read_daily(layout.daily_credit("popular"), listeners)
    fits = read_metric(layout.evaluation("popular"), "ndcg", listeners)
    assert not np.array_equal(fits[0], fits[1])
    assert np.abs(values.sum(axis=1).A1 - fits.mean(axis=0)).max() < 1e-12


def test_with_target_any_heard_items_stay_in_the_lists(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    evaluate(small_night.context(tmp_path, k=4, target="any"), "popular", InProcess())
    got = rows(Layout(tmp_path).evaluation("popular"))
    assert got["bob"]["reciprocal_rank"] == 1 / 4  # a, b, c, d


def test_the_scoring_cost_is_measured_for_each_fit(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    evaluate(small_night.context(tmp_path), "popular", InProcess())
    record = read_json(Layout(tmp_path).score_cost("popular"))
    assert (record["recipe"], record["family"]) == ("popular", "popular")
    assert [raw["seed"] for raw in record["scorings"]] == [0]
    cost = Cost.from_dict(record["scorings"][0])
    assert cost.n_scored == 4
    assert cost.wall_seconds > 0
    assert cost.peak_rss_bytes


def test_the_same_night_gives_the_same_bytes_in_whatever_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    for name, block in (("one", 65_536), ("two", 65_536), ("blocks", 3)):
        monkeypatch.setattr(scoring, "BLOCK", block)
        small_night.plant(tmp_path / name)
        evaluate(small_night.context(tmp_path / name), "popular", InProcess())
        layout = Layout(tmp_path / name)
        seen.append((layout.evaluation("popular").read_bytes(), layout.metrics("popular").read_bytes()))
        assert not list(layout.data.glob(".tmp-scores-*"))
    assert seen[0] == seen[1] == seen[2]


def test_several_fits_are_rows_of_their_own(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    layout = Layout(tmp_path)
    other = small_night.write_fold(tmp_path / "other", {"ann": ["a", "b", "c", "d"]} | small_night.TRAIN)
    small_night.fit_popular(layout.model("popular") / "seed-1", layout.train, other)
    evaluate(small_night.context(tmp_path), "popular", InProcess())
    table = pl.DataFrame(read_table(layout.evaluation("popular"), EVALUATION))
    assert table["seed"].to_list() == [0] * 4 + [1] * 4
    metrics = read_json(layout.metrics("popular"))
    means = table.group_by("seed", maintain_order=True).agg(pl.col("ndcg").mean())["ndcg"].to_list()
    assert metrics["seeds"]["ndcg_at_2"] == pytest.approx(means)


def test_a_recipe_without_fits_is_refused(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    with pytest.raises(RecipeError, match="has no fit"):
        evaluate(small_night.context(tmp_path), "als", InProcess())


def test_a_gap_in_the_row_of_fits_is_refused(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    folder = Layout(tmp_path).model("popular")
    (folder / "seed-0").rename(folder / "seed-1")
    with pytest.raises(RecipeError, match="has no seed-0"):
        evaluate(small_night.context(tmp_path), "popular", InProcess())


def test_without_anything_played_the_figures_are_null(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    small_night.write_relevant(Layout(tmp_path).relevant, {})
    with np.errstate(all="raise"):
        evaluate(small_night.context(tmp_path), "popular", InProcess())
    metrics = read_json(Layout(tmp_path).metrics("popular"))
    assert metrics["ndcg_at_2"] is None
    assert metrics["n_eligible"] == 0
    assert metrics["catalogue_coverage"] == 1
    assert read_table(Layout(tmp_path).evaluation("popular"), EVALUATION).num_rows == 0


EARLIER: small_night.Heard = {"aaron": ["0", "c"], "ann": ["c"], "bob": ["0", "a", "z"], "dan": ["b", "c", "z"]}
"""The served model's window: aaron and item 0 shift every row of ann, bob, dan and of the items; cay is unknown.
Popularity: c 3, 0 2, z 2, a 1, b 1."""


def test_the_served_model_is_asked_by_its_own_ids(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    small_night.serve_popular(tmp_path, EARLIER)
    evaluate_served(small_night.context(tmp_path), InProcess())
    got = rows(Layout(tmp_path).evaluation("served"))
    # Tonight's heard items are kept out: ann (a, b) gets c, 0; bob (a, c, d) 0, z; dan (b) c, 0.
    assert got["ann"]["reciprocal_rank"] == 1
    assert got["bob"]["hit"] == 0
    assert got["dan"]["hit"] == 0
    assert got["eve"]["hit"] == 0
    metrics = read_json(Layout(tmp_path).metrics("served"))
    assert (metrics["release"], metrics["recipe"]) == ("r-1", "popular")
    assert metrics["catalogue_coverage"] == 1 / 4  # of tonight's a, b, c, d only c is shown


def test_the_served_model_may_know_an_item_that_tonights_training_does_not(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    small_night.serve_popular(tmp_path, EARLIER)
    evaluate_served(small_night.context(tmp_path, k=3), InProcess())
    assert rows(Layout(tmp_path).evaluation("served"))["dan"]["reciprocal_rank"] == 1 / 3  # c, 0, z; z was played


def test_a_served_model_with_tonights_window_scores_as_tonights_fit(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    small_night.serve_popular(tmp_path, small_night.TRAIN)
    evaluate(small_night.context(tmp_path), "popular", InProcess())
    evaluate_served(small_night.context(tmp_path), InProcess())
    layout = Layout(tmp_path)
    assert layout.evaluation("served").read_bytes() == layout.evaluation("popular").read_bytes()
    assert layout.daily_credit("served").read_bytes() == layout.daily_credit("popular").read_bytes()


def test_before_the_first_release_the_served_figures_are_empty_and_null(tmp_path: Path) -> None:
    small_night.plant(tmp_path)
    nothing_served(small_night.context(tmp_path))
    layout = Layout(tmp_path)
    assert read_table(layout.evaluation("served"), EVALUATION).num_rows == 0
    assert read_table(layout.daily_credit("served"), DAILY_CREDIT).num_rows == 0
    metrics = read_json(layout.metrics("served"))
    assert metrics["release"] is None
    assert metrics["ndcg_at_2"] is None
    assert read_json(layout.score_cost("served"))["scorings"] == []
