"""The proofs themselves, on made-up fits whose truth is known: a proof that cannot fail would prove nothing."""

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from pipeline.calibration.coverage import coverage, pooled_coverage
from pipeline.calibration.nights import CHALLENGER, CHAMPION, Horizon, contender, free_of_cost
from pipeline.calibration.operating import GATE, HIGHER, T_TEST, Rule, false_promotions, power, rate
from pipeline.calibration.refits import Refits
from pipeline.calibration.worth import invertibility, mutations, netflix
from pipeline.configuration import load_params
from pipeline.gate.economics import NightCost

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
PLAIN = Rule(PARAMS.gate, PARAMS.economics)
DEAR = Rule(PARAMS.gate, free_of_cost(PARAMS.economics))
N, WINDOWS = 3000, 3


def made_up(*, fits_sd: float = 0.002, gain: float = 0.0, seed: int = 1) -> Refits:
    """Return refits with independent tastes of listeners, noise of windows and noise of fits."""
    rng = np.random.default_rng(seed)
    taste = rng.uniform(0.05, 0.35, N)

    def recipe(n_fits: int, mean: float, sd: float) -> np.ndarray:
        shared = rng.normal(0, sd, (n_fits, 1, 1))
        luck = rng.normal(0, 0.02, (n_fits, WINDOWS, N))
        values = np.clip(taste * mean + shared + luck, 0, 1)
        values[:, 1, : N // 10] = np.nan  # who heard nothing new in the second window
        return values

    ndcg = {
        "popular": recipe(1, 0.3, 0),
        "item_knn": recipe(1, 1.0, 0),
        "als": recipe(12, 1.0 + gain, fits_sd),
        "blend": recipe(3, 1.2, fits_sd / 2),
    }
    night = NightCost(36.0, 36.0, 36.0, 2.0**30, 2.0**20, 0.001, N)
    thirds = np.arange(N) % 3
    return Refits(
        ndcg,
        {name: name for name in ndcg},
        dict.fromkeys(ndcg, night),
        {name: thirds == i for i, name in enumerate(("light", "heavy", "new"))},
        rng.permuted(ndcg["als"][:3, 0], axis=1) * 0.3,
        leak_refused=True,
    )


REFITS = made_up()


def horizon(pair: tuple[str, str], refits: Refits = REFITS, k: int = 3) -> Horizon:
    return Horizon(refits, *(contender(refits, name) for name in pair), k=k, rng=np.random.default_rng(5))


def test_a_night_has_the_listeners_of_its_window_and_contenders_share_no_fit() -> None:
    for number, tonight in enumerate(islice(horizon(("als", "als")), 5)):
        both = [tonight.candidates[name].ndcg for name in (CHAMPION, CHALLENGER)]
        window = REFITS.ndcg["als"][:, number % WINDOWS]
        here = window[:, ~np.isnan(window[0])]
        assert tonight.history.look == number + 1
        assert both[0].shape == both[1].shape == (3, here.shape[1])
        rows = [{int(np.flatnonzero((here == fit).all(axis=1))[0]) for fit in fits} for fits in both]
        assert not rows[0] & rows[1]


def test_the_nights_of_a_horizon_are_pooled_as_in_the_ledger() -> None:
    """The pooled means of the last night are the means over all of them."""
    nights = list(islice(horizon(("item_knn", "als")), 4))
    last = nights[-1]
    earlier = last.earlier(CHALLENGER, CHAMPION)
    assert earlier is not None
    assert earlier.looks.n_looks == 3
    sums = [sum(float(each.candidates[name].ndcg.mean()) for each in nights[:3]) for name in (CHAMPION, CHALLENGER)]
    assert [earlier.looks.champion_mean, earlier.looks.challenger_mean] == pytest.approx(sums)
    assert earlier.influence.sum() == pytest.approx(0, abs=1e-12)
    assert len(earlier.influence) == N  # listeners of earlier nights only follow those of tonight


def test_identical_recipes_are_not_promoted_and_naive_rules_promote_them() -> None:
    figures = false_promotions(REFITS, "als", DEAR, n_horizons=4, rng=np.random.default_rng(1))
    rates = {name: each["rate"] for name, each in figures["horizons"].items()}
    assert rates[GATE] == 0
    assert rates[HIGHER] == rates[T_TEST] == 1


def test_a_rule_that_spends_all_of_alpha_each_night_would_be_caught() -> None:
    loose = Rule(PARAMS.gate.model_copy(update={"alpha": 0.4999}), DEAR.economics)
    figures = false_promotions(REFITS, "als", loose, n_horizons=4, rng=np.random.default_rng(1))
    assert figures["horizons"][GATE]["rate"] > 0.05


def test_power_grows_with_the_gain_and_stays_below_what_is_possible() -> None:
    rng = np.random.default_rng(2)
    figures = power(REFITS, ("als", "als"), DEAR, gains=(0.0, 0.03, 0.3), n_runs=8, n_looks=3, rng=rng)
    rates = [row["within"][GATE]["rate"] for row in figures["gains"]]
    assert rates[0] == 0
    assert rates[-1] == 1
    assert rates == sorted(rates)
    ceilings = [row["ceiling"] for row in figures["gains"]]
    assert ceilings == sorted(ceilings)
    assert ceilings[0] < 0.05
    for row in figures["gains"]:
        assert row["by_look"] == sorted(row["by_look"])
        assert row["by_look"][-1] == row["within"][GATE]["rate"]


@pytest.mark.parametrize("pair", [("als", "item_knn"), ("item_knn", "als"), ("popular", "item_knn")])
def test_intervals_have_nominal_coverage(pair: tuple[str, str]) -> None:
    found = coverage(REFITS, pair, k=3, n_draws=300, rng=np.random.default_rng(3))
    assert found["low"] <= 0.95 <= found["high"] + 0.02


def test_pooled_intervals_have_nominal_coverage() -> None:
    found = pooled_coverage(REFITS, ("als", "als"), PLAIN, n_draws=150, rng=np.random.default_rng(3))
    assert found["high"] >= 0.93


def test_verdicts_flip_at_flip_prices_and_mutations_are_detected() -> None:
    refits = made_up(gain=0.2)
    turned = invertibility(refits, ("als", "als"), PLAIN, n_flips=12, rng=np.random.default_rng(4))
    assert turned == {"n": 12, "turned": 12}
    found = mutations(REFITS, "als", DEAR, rng=np.random.default_rng(6))
    assert list(found.values()) == ["KEEP", "PROMOTE", "INVALID", "INVALID", "REFUSED"]
    leaky = mutations(replace(REFITS, leak_refused=False), "als", DEAR, rng=np.random.default_rng(6))
    assert list(leaky.values())[-1] == "LEARNT FROM"


def test_a_better_blend_has_a_break_even_number_of_listeners() -> None:
    found = netflix(REFITS, "als", "blend", PLAIN, rng=np.random.default_rng(7))
    assert found["significant"]
    assert found["gain"] == pytest.approx(0.2, abs=0.03)
    assert found["verdict"] == "KEEP"
    assert found["verdicts"] == {"a thousandth below": "KEEP", "a thousandth above": "PROMOTE"}


def test_a_rate_has_the_interval_of_clopper_and_pearson() -> None:
    """Closed forms at the ends: 1 − .025^(1/n)."""
    assert rate(0, 200)["high"] == pytest.approx(1 - 0.025 ** (1 / 200))
    assert (rate(0, 200)["low"], rate(200, 200)["high"]) == (0, 1)
    assert math.isclose(rate(200, 200)["low"], 0.025 ** (1 / 200))
