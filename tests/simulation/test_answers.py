"""The world that answers does what its parameters say."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.simulation.answers import (
    Answers,
    answered,
    chances,
    daily_plays,
    effect,
    effect_by_day,
    make_audience,
    seasons,
)

CALM = replace(Answers(), day_sd=0.0, week=0.0, year=0.0, joins=0.0, leaves=0.0, habituation=0.0, listener_sd=0.0)


def test_a_better_list_has_as_many_more_plays_as_the_elasticity_says():
    rng = np.random.default_rng(1)
    audience = make_audience(4000, 28, CALM, rng)
    lasting = effect(0.8, 0.0, CALM)
    assert lasting == pytest.approx(0.05 * np.log(1.8))
    plain, better = (daily_plays(audience, np.ones(28), np.array(e), rng).mean() for e in (0.0, lasting))
    assert better / plain - 1 == pytest.approx(lasting, abs=4 / np.sqrt(20 * 4000 * 28))


def test_the_first_days_have_more_and_half_of_the_excess_goes_in_the_half_life():
    world = replace(CALM, habituation=0.5, habituation_days=10.0)
    found = effect_by_day(0.01, 200, world)
    assert found[0] == pytest.approx(0.02)
    assert found[10] == pytest.approx(0.015)
    assert found[-1] == pytest.approx(0.01, rel=1e-4)


def test_days_shock_everyone_and_seasons_come_back():
    shocked = seasons(20_000, replace(CALM, day_sd=0.02), np.random.default_rng(2))
    assert np.log(shocked).std() == pytest.approx(0.02, rel=0.03)
    weekly = seasons(14, replace(CALM, week=0.1), np.random.default_rng(2))
    np.testing.assert_allclose(weekly[:7], weekly[7:])
    assert np.log(weekly).max() > 0.09


def test_some_join_and_some_leave_for_good():
    world = replace(CALM, joins=0.01, leaves=0.01)
    here = make_audience(5000, 50, world, np.random.default_rng(3)).here
    assert here[:5000, 0].all()
    assert not here[5000:, 0].any()
    assert len(here) == 5000 + round(5000 * 0.01 * 49)
    assert here[:5000, 49].mean() == pytest.approx(0.99**49, abs=0.02)
    back = np.diff(here.astype(int), axis=1)
    assert (np.abs(back).sum(axis=1) <= 2).all()


def test_what_is_ranked_high_and_liked_is_played_by_those_who_look():
    world = replace(CALM, look=0.6, attraction=0.25, steepness=1.0)
    appeal = np.tile([1.0, 0.5, 1.0, 0.0], (60_000, 1))
    np.testing.assert_allclose(chances(appeal, world)[0], [0.25, 0.0625, 0.25 / 3, 0.0])
    played = answered(appeal, world, np.random.default_rng(4))
    np.testing.assert_allclose(played.mean(axis=0), 0.6 * chances(appeal, world)[0], atol=0.006)
