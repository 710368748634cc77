"""Effects: compared with tea-tasting, and intervals that cover a planted truth under shocks of days."""

import numpy as np
import pandas as pd
import pytest

from pipeline.online.effects import Floats, ratio_effect, relative_effect

LISTENERS, DAYS = 400, 14


def world(
    rng: np.random.Generator, *, effect: float = 0.0, arm_shock: float = 0.0, n: int = LISTENERS, days: int = DAYS
) -> tuple[Floats, Floats, Floats, Floats]:
    """Plays of listeners who differ, days that all share, and days that hit one arm only (sd `arm_shock`)."""
    habit = rng.gamma(2.0, 3.0, n)
    treated = rng.random(n) < 0.5
    day = np.exp(rng.normal(0, 0.2, days))
    shock = 1 + effect + rng.normal(0, arm_shock, days)
    y = rng.poisson(habit[:, None] * day * np.where(treated[:, None], shock, 1.0)).astype(float)
    before = rng.poisson(habit * 28) / 28
    seen = np.arange(days) >= rng.integers(0, days // 2, n)[:, None]
    return y, seen, treated, before


@pytest.mark.parametrize("cuped", [False, True])
def test_without_days_it_agrees_with_tea_tasting(cuped: bool) -> None:
    tt = pytest.importorskip("tea_tasting")
    y, seen, treated, before = world(np.random.default_rng(3))
    ours = relative_effect(y, seen, treated, before if cuped else None)
    assert ours is not None
    days = seen.sum(axis=1)
    people = pd.DataFrame(
        {
            "variant": treated.astype(int),
            "plays": (y * seen).sum(axis=1),
            "days": days,
            "x": before * days,
            "x_days": days,
        }
    )
    extra = ("x", "x_days") if cuped else ()
    metric = tt.RatioOfMeans("plays", "days", *extra, equal_var=False, use_t=False)
    theirs = tt.Experiment(plays=metric).analyze(people)["plays"]
    listeners_se = np.sqrt(ours.between + ours.within)
    # Their interval is on the ratio's logarithm.
    low, high = np.log1p(theirs.rel_effect_size_ci_lower), np.log1p(theirs.rel_effect_size_ci_upper)
    theirs_se = (high - low) / 2 / 1.959964 * (1 + theirs.rel_effect_size)
    assert ours.value == pytest.approx(theirs.rel_effect_size, abs=0.1 * theirs_se)
    assert listeners_se == pytest.approx(theirs_se, rel=0.02)


def test_the_weeks_before_make_the_estimate_sharper() -> None:
    y, seen, treated, before = world(np.random.default_rng(4))
    plain, cuped = relative_effect(y, seen, treated), relative_effect(y, seen, treated, before)
    assert plain is not None
    assert cuped is not None
    assert cuped.se < 0.3 * plain.se


@pytest.mark.parametrize("arm_shock", [0.0, 0.05])
def test_intervals_cover_the_truth_whether_or_not_days_shock_one_arm(arm_shock: float) -> None:
    rng, hits, without_days = np.random.default_rng(5), 0, 0
    n_worlds = 400
    for _ in range(n_worlds):
        y, seen, treated, before = world(rng, effect=0.03, arm_shock=arm_shock)
        found = relative_effect(y, seen, treated, before)
        assert found is not None
        low, high = found.interval()
        hits += low <= 0.03 <= high
        without_days += abs(found.value - 0.03) <= 1.96 * np.sqrt(found.between + found.within)
    assert 0.92 <= hits / n_worlds <= 0.99
    if arm_shock:  # an error that knows listeners alone would not do
        assert without_days / n_worlds < 0.85


def test_a_null_effect_is_called_in_about_five_of_a_hundred_experiments() -> None:
    rng, called, n_worlds = np.random.default_rng(6), 0, 400
    for _ in range(n_worlds):
        found = relative_effect(*world(rng, arm_shock=0.03))
        assert found is not None
        low, high = found.interval()
        called += not low <= 0 <= high
    assert called / n_worlds <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / n_worlds)


def test_nothing_is_estimated_from_too_little() -> None:
    y, seen, treated, before = world(np.random.default_rng(7))
    assert relative_effect(y[:20], seen[:20], treated[:20], before[:20]) is None  # some ten in an arm
    assert relative_effect(y[:, :1], np.ones_like(y[:, :1], dtype=bool), treated) is None
    assert relative_effect(0 * y, seen, treated) is None
    assert ratio_effect(np.zeros((30, 5)), np.zeros((30, 5))) is None


def test_a_ratio_by_hand() -> None:
    """40 listeners on two days; half win 3 of 4 credits a day, half win 1: (20·2 − 20·2) / 160."""
    lead = np.where(np.arange(40) < 20, 2.0, -2.0)[:, None] * np.ones((40, 2))
    found = ratio_effect(lead, np.full((40, 2), 4.0))
    assert found is not None
    assert found.value == 0
    # ψ of a listener is ± 4 / 320, so the variance is 40 · (4 / 320)² · 40/39.
    assert found.se == pytest.approx(np.sqrt(40 * (4 / 320) ** 2 * 40 / 39))
