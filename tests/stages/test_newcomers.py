"""Newcomers are measured as they are served: three named items, the model without them, beside the popular list."""

import datetime as dt
from pathlib import Path

import numpy as np
import pytest

from pipeline.features.model_folder import save_model
from pipeline.features.newcomers import lists_of_newcomers
from pipeline.recommenders.registry import FAMILIES, build
from pipeline.stages.context import Context
from pipeline.stages.newcomers import newcomers_clause, newcomers_report
from pipeline.stages.scoring import read_truth
from tests.stages import small_night

# Two circles of taste; b… is the larger one, so the popular list begins with it.
HEARD = {
    **{f"a{n}": ["a1", "a2", "a3", "a4"] for n in range(3)},
    **{f"b{n}": ["b1", "b2", "b3", "b4"] for n in range(6)},
    "new-1": ["a1", "a2", "a3"],
    "new-2": ["b1", "b2", "b3"],
}
PLAYED = {"new-1": ["a4"], "new-2": ["b4"], "a0": ["b1"]}


@pytest.fixture
def night(tmp_path: Path) -> Context:
    context = small_night.context(tmp_path)
    recent = dict.fromkeys(("new-1", "new-2"), dt.date(2026, 2, 25))
    fold = small_night.write_fold(context.layout.train, HEARD, first_day=recent)
    model = build(FAMILIES["item_knn"].start).fit(fold, rng=np.random.default_rng(1))
    save_model(context.layout.model("item_knn") / "seed-0", model, maps_from=context.layout.train)
    small_night.write_relevant(context.layout.relevant, PLAYED)
    return context


def test_the_gain_over_the_fallback_list_is_that_of_hand(night: Context) -> None:
    """new-1 gets a4 first, where the popular list has b1 and b2; new-2 gets b4 from both."""
    report = newcomers_report(night, night.layout.model("item_knn") / "seed-0", read_truth(night))
    assert report is not None
    assert (report["n"], report["ndcg_at_2"], report["fallback_ndcg_at_2"]) == (2, 1.0, 0.5)
    assert report["gain"] == 0.5
    half = 1.96 * np.std([1, 0], ddof=1) / np.sqrt(2)
    assert report["low"] == pytest.approx(0.5 - half)
    assert report["high"] == pytest.approx(0.5 + half)
    assert newcomers_clause(report, 2).startswith("; newcomers who name 3 items: 1.0000, +0.5000 (")


def test_a_family_that_cannot_fold_in_and_a_night_without_newcomers_measure_nothing(
    night: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = night.layout.model("item_knn") / "seed-0"
    small_night.write_relevant(night.layout.relevant, {"a0": ["b1"]})
    report = newcomers_report(night, model, read_truth(night))
    assert report == {"n": 0, "gain": None, "low": None, "high": None}
    assert newcomers_clause(report, 2) == ""
    monkeypatch.setattr("pipeline.stages.newcomers.folds_in", lambda _: False)
    assert newcomers_report(night, model, read_truth(night)) is None
    assert newcomers_clause(None, 2) == ""


def test_a_newcomers_list_is_that_of_a_listener_with_the_same_few_plays_and_leaves_out_what_was_named(
    night: Context,
) -> None:
    from pipeline.recommenders.storage import load_recommender

    model = load_recommender(night.layout.model("item_knn") / "seed-0")
    together = lists_of_newcomers(model, [np.array([0, 1]), np.array([5, 4, 6])], n_items=8, k=3)
    for row, named in enumerate(([1, 0], [6, 5, 4])):
        alone = lists_of_newcomers(model, [np.array(named)], n_items=8, k=3)
        assert alone.items[0].tolist() == together.items[row].tolist()
        assert not set(named) & set(alone.items[0].tolist())
