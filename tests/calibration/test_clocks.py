"""Drawn nights and the proofs on them, with moments that are made up: a proof that cannot fail would prove nothing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.special import ndtri

from pipeline.calibration.clocks import (
    Rule,
    best_possible,
    first_promotions,
    lowest_boundaries,
    payer,
    screened,
    verdict,
)
from pipeline.calibration.harm import _stops
from pipeline.calibration.moments import Lasting, Moments
from pipeline.calibration.nights import free_of_cost
from pipeline.calibration.operating import (
    GATE,
    HIGHER,
    best_of_many,
    false_promotions,
    nights_of_waiting,
    power,
    run,
)
from pipeline.calibration.rates import rate
from pipeline.calibration.sums import World, draw
from pipeline.configuration import load_params
from pipeline.gate.comparison import pooled
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import pool

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
DEAR = Rule(PARAMS.gate, free_of_cost(PARAMS.economics))
COSTS = (payer("als", "als", NightCost(36.0, 36.0, 36.0, 2.0**30, 2.0**20, 0.001, 20_000)),) * 2

TASTES = Moments("a", "b", Lasting(0.15, 0.12, 0.9), Lasting(0.1, 0.05, 0.9), np.full(7, 1 / 7), (0.0, 0.0), (0.0, 0.0))
FITS = replace(
    TASTES, taste=Lasting(0.1, 0.0, 0.0), day=Lasting(0.1, 0.0, 0.0), fits=(4e-5, 4e-5), fit_noise=(1.0, 1.0)
)


@pytest.mark.parametrize("moments", [TASTES, FITS])
@pytest.mark.parametrize("shock_sd", [0.0, 0.02])
def test_estimates_scatter_as_the_moments_say_and_the_gate_knows(moments: Moments, shock_sd: float) -> None:
    world = World(20_000, 3, shock_sd)
    sums = draw(moments, world, n_clocks=600, gains=np.zeros(14), rng=np.random.default_rng(1))
    found = sums.parts.sum(axis=2).mean(axis=1)
    expected = moments.relative_se(20_000, 14, 3, shock_sd)
    assert found.std() == pytest.approx(expected, rel=0.12)
    comparisons = [pooled(pool(*sums.nights(clock, 14)), *sums.seeds(clock, 14)) for clock in range(100)]
    known = np.sqrt(np.mean([each.se**2 for each in comparisons]))
    assert 0.95 * expected <= known <= 1.8 * expected  # caution about shocks widens it without shocks


def test_the_screen_computes_what_the_gate_computes() -> None:
    sums = draw(TASTES, World(20_000, 3, 0.02), n_clocks=5, gains=np.zeros(28), rng=np.random.default_rng(2))
    z = screened(sums)
    for clock, until in ((0, 1), (1, 2), (2, 9), (4, 28)):
        comparison = pooled(pool(*sums.nights(clock, until)), *sums.seeds(clock, until))
        assert comparison.delta / comparison.se == pytest.approx(z[clock, until - 1], rel=1e-9)


def test_no_boundary_is_lower_than_the_one_that_is_screened_with() -> None:
    """The first is the union bound; later ones fall, and never below what all analyses so far may spend."""
    sums = draw(TASTES, World(20_000, 3), n_clocks=1, gains=np.zeros(28), rng=np.random.default_rng(3))
    lowest = lowest_boundaries(PARAMS.gate, 28)
    found = [verdict(sums, 0, until, DEAR, COSTS).proof.boundary for until in (1, 7, 28)]
    assert found[0] == pytest.approx(-ndtri(PARAMS.gate.alpha / PARAMS.gate.max_entrants / 28))
    assert found == sorted(found, reverse=True)
    assert all(z >= lowest[until - 1] for z, until in zip(found, (1, 7, 28), strict=True))


def test_challengers_that_are_no_better_are_not_promoted_and_naive_rules_promote_them() -> None:
    figures = false_promotions(
        FITS, World(20_000, 3), DEAR, n_quarters=20, n_entrants=10, shipped=5, pair=COSTS, rng=np.random.default_rng(4)
    )
    assert figures["quarter"][GATE]["rate"] <= 0.15  # 5 % allowed: four of twenty have a probability of 1.6 %
    assert figures["quarter"][HIGHER]["rate"] == 1
    assert figures["year"][GATE]["n"] == 5
    assert figures["shipped"][GATE]["rate"] <= figures["quarter"][GATE]["rate"]


def test_a_gate_without_a_term_for_days_would_be_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a million listeners, shocks of 2 % a day are all that varies."""
    from pipeline.calibration import clocks
    from pipeline.gate.days import DayVariance

    def without_days(nights: object, influences: object) -> object:
        return replace(pool(nights, influences), days=DayVariance(0.0, np.inf))  # type: ignore[arg-type]

    world, rng = World(1_000_000, 3, 0.02), np.random.default_rng(5)
    sums = draw(TASTES, world, n_clocks=40, gains=np.zeros(7), rng=rng)
    assert (first_promotions(sums, DEAR, pair=COSTS) >= 0).mean() <= 0.05
    monkeypatch.setattr(clocks, "pool", without_days)
    monkeypatch.setattr(
        clocks, "screened", lambda sums: np.where(np.arange(sums.n_nights) == 6, 9.0, 0.0) * np.ones((sums.n_clocks, 1))
    )
    assert (first_promotions(sums, DEAR, pair=COSTS) >= 0).mean() > 0.05


def test_power_grows_with_the_gain_and_stays_below_what_is_possible() -> None:
    figures = power(
        TASTES,
        World(20_000, 3),
        DEAR,
        gains=(0.0, 0.02, 0.2),
        n_runs=15,
        n_nights=7,
        pair=COSTS,
        rng=np.random.default_rng(6),
    )
    rates = [row["within_7"][GATE]["rate"] for row in figures["gains"]]
    assert rates[0] == 0
    assert rates[-1] == 1
    assert rates == sorted(rates)
    assert [row["by_night"][-1] for row in figures["gains"]] == rates
    ceilings = [row["ceiling_7"] for row in figures["gains"]]
    assert ceilings[0] == pytest.approx(PARAMS.gate.alpha)
    assert ceilings == sorted(ceilings)


def test_a_challenger_waits_for_a_window_that_nobody_has_looked_at() -> None:
    assert [nights_of_waiting(days) for days in (7, 14)] == [7, 14]


def test_the_best_of_many_is_promoted_on_the_nights_that_chose_it_and_not_on_later_ones() -> None:
    figures = best_of_many(
        TASTES, World(20_000, 3), DEAR, n_variants=100, n_runs=60, pair=COSTS, rng=np.random.default_rng(7)
    )
    assert figures["waits"] == 7
    assert figures["promoted"]["rate"] <= 0.05
    assert figures["peeking"]["rate"] > figures["promoted"]["rate"]


def test_fits_that_fail_now_and_then_promote_nobody() -> None:
    world = World(20_000, 3, failures=0.02)
    found = run(FITS, world, DEAR, gains=np.zeros(28), n_clocks=100, pair=COSTS, rng=np.random.default_rng(8))
    assert (found[GATE] >= 0).mean() <= 0.03


@pytest.mark.parametrize(("gain", "low", "high"), [(-0.2, 0.9, 1.0), (0.0, 0.0, 0.1), (0.2, 0.0, 0.0)])
def test_a_slice_stops_a_challenger_that_harms_it(gain: float, low: float, high: float) -> None:
    sums = draw(TASTES, World(500, 3), n_clocks=30, gains=np.full(28, gain), rng=np.random.default_rng(9))
    assert low <= np.mean([_stops(sums, run, 28, DEAR) for run in range(30)]) <= high


def test_one_test_of_everything_has_the_power_of_a_normal_test() -> None:
    """A gain of z_{.95} standard errors is found in half of the cases."""
    assert best_possible(-float(ndtri(0.05)), 1.0, 0.05) == pytest.approx(0.5)


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    """Closed forms at the ends: 1 − .025^(1/n)."""
    assert rate(0, 200)["high"] == pytest.approx(1 - 0.025 ** (1 / 200))
    assert (rate(0, 200)["low"], rate(200, 200)["high"]) == (0, 1)
    assert rate(200, 200)["low"] == pytest.approx(0.025 ** (1 / 200))
