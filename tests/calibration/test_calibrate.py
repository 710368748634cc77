"""`netgain calibrate` as a whole, on few listeners with few repetitions; and proofs on its refits."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.calibration.calibrate import calibrate, makers
from pipeline.calibration.clocks import Rule
from pipeline.calibration.coverage import coverage
from pipeline.calibration.fitting import refits
from pipeline.calibration.lane import DECAY, Change, Lane, bad_data
from pipeline.calibration.moments import moments
from pipeline.calibration.nights import contender, free_of_cost, shocked
from pipeline.calibration.real_pool import pool_of_dates
from pipeline.calibration.refits import Refits, Size
from pipeline.calibration.worth import invertibility, mutations
from pipeline.configuration import load_params
from pipeline.reports.calibration import render_calibration
from pipeline.settings import Settings, load_settings
from tests.reports.test_page import Balance
from tests.workspace import SMALL, make_workspace

SIZE = Size(n_listeners=300, n_days=16, n_seeds=6, dates=(0, 1))
RECIPES = ["popular", "item_knn", "rp3beta", "als"]


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    params = SMALL | {"gate.seeds": 3, "recipes.als.factors": 8, "recipes.als.regularization": 1.0}
    workspace = make_workspace(tmp_path_factory.mktemp("calibration") / "w", recipes=RECIPES, params=params)
    return load_settings({"NETGAIN_ENGINE": "inprocess"}, workspace=workspace)


@pytest.fixture(scope="module")
def found(settings: Settings) -> Refits:
    return refits(settings, SIZE, lambda _line: None)


@pytest.fixture(scope="module")
def rule(settings: Settings) -> Rule:
    params = load_params(settings.workspace / "params.yaml")
    return Rule(params.gate, free_of_cost(params.economics))


def test_every_proof_has_a_figure_and_a_target_and_the_page_shows_it(settings: Settings, found: Refits) -> None:
    said: list[str] = []
    result: dict[str, Any] = calibrate(settings, said.append, size=SIZE, scale=0.01)
    assert said[0] == "using the refits of an earlier run"
    assert len(result["proofs"]) == len(makers(found))
    assert all(each["target"] and each["summary"] and isinstance(each["met"], bool) for each in result["proofs"])
    json.dumps(result, allow_nan=False)
    html = render_calibration(result)
    parser = Balance()
    parser.feed(html)
    assert parser.open == []
    assert "http" not in html.replace("http-equiv", "")
    for each in result["proofs"]:
        assert f"<td>{each['property']}</td>" in html
    assert render_calibration(result) == html


def test_refits_are_read_back_as_they_were_written(settings: Settings, found: Refits) -> None:
    again = refits(settings, SIZE, lambda _line: None)
    assert again.dates == (0, 1)
    assert set(again.windows) == {7, 14}
    for name, values in found.daily.items():
        assert np.array_equal(again.daily[name], values, equal_nan=True)


def test_moments_say_how_real_arrays_vary(found: Refits) -> None:
    """The gate's standard errors on the arrays themselves, of one night and of both dates pooled."""
    for pair in (("als", "als"), ("rp3beta", "item_knn")):
        known = moments(found, *pair, k=3)
        one, pooled, expected = pool_of_dates(found, known, k=3)
        assert np.sqrt(known.covariance(1)[0, 0] / 300) == pytest.approx(one, rel=0.15)
        assert expected == pytest.approx(pooled, rel=0.2)


def test_intervals_of_real_nights_hold_with_and_without_shocks(found: Refits) -> None:
    for shock_sd in (0.0, 0.1):
        each = coverage(
            found, ("rp3beta", "item_knn"), k=3, shock_sd=shock_sd, n_draws=150, rng=np.random.default_rng(1)
        )
        assert each["high"] >= 0.93


def test_a_shock_lifts_a_day_and_no_listener_beyond_the_best(found: Refits) -> None:
    daily = contender(found, "als").daily[:1, 0][:, :, found.here(0)]
    moved = shocked(daily, np.array([0.5, 0, 0, 0, 0, 0, 0]))
    assert moved.sum(axis=1).max() <= 1 + 1e-12
    assert moved[0, 0].sum() > 1.3 * daily[0, 0].sum()


def test_bad_data_leave_what_is_served(found: Refits, rule: Rule) -> None:
    figures = bad_data(found, ("als", "item_knn"), rule, n_runs=4, rng=np.random.default_rng(2))
    assert figures["stays"]["rate"] == 1


def test_ruin_is_stopped_and_improvement_is_not(found: Refits, rule: Rule) -> None:
    lane, rng = Lane(found, "als", rule), np.random.default_rng(3)
    ruin = lane.course(replace(DECAY, relative=-0.4), n=250, n_nights=3, shock_sd=0.0, rng=rng)
    assert not all(ruin.refreshed)
    better = lane.course(Change("better", 0.2, from_start=False), n=250, n_nights=3, shock_sd=0.0, rng=rng)
    assert all(better.refreshed)


def test_mutations_are_detected_and_verdicts_flip_at_flip_prices(found: Refits, rule: Rule) -> None:
    verdicts = mutations(found, "als", rule, rng=np.random.default_rng(4))
    assert list(verdicts.values()) == ["KEEP", "PROMOTE", "LEFT OUT", "LEFT OUT", "REFUSED"]
    leaky = mutations(replace(found, leak_refused=False), "als", rule, rng=np.random.default_rng(4))
    assert list(leaky.values())[-1] == "LEARNT FROM"
    turned = invertibility(found, ("als", "als"), rule, n_flips=4, rng=np.random.default_rng(5))
    assert turned["turned"] == turned["n"]


def test_the_result_is_where_the_workspace_is(settings: Settings, found: Refits) -> None:
    assert found.leak_refused
    assert (Path(settings.workspace) / ".netgain" / "calibration" / "refits.json").exists()
