"""The frontier of the attitude to risk: what is known of it without running it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.calibration.frontier import Point, frontier, upkeep
from pipeline.configuration import load_params

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")


def points(*probabilities: float, seed: int = 1, n_candidates: int = 1500, **changes: Any) -> tuple[Point, ...]:
    money = PARAMS.economics.model_copy(update=changes)
    rng = np.random.default_rng(seed)
    return frontier(PARAMS.gate, money, probabilities=probabilities, n_candidates=n_candidates, rng=rng)


def test_the_shipped_attitude_captures_three_quarters_with_few_wrong_promotions() -> None:
    (shipped,) = points(PARAMS.gate.min_probability_of_benefit)
    assert shipped.captured >= 0.75
    assert shipped.wrong <= 0.03


def test_more_caution_promotes_less_and_errs_less() -> None:
    found = points(0.0, 0.5, 0.8, 0.95, n_candidates=600)
    for share in ("promoted", "wrong", "losing"):
        shares = [getattr(point, share) for point in found]
        assert shares == sorted(shares, reverse=True), share
    assert found[0].wrong > 0.05  # proof of the gain alone
    assert found[-1].captured < found[1].captured


def test_without_a_price_of_hours_only_the_gain_can_be_wrong() -> None:
    """Where nothing costs anything, a candidate is wrong if and only if its true gain is below 0."""
    free = PARAMS.economics.prices.model_copy(update={"engineering_hour": 0.0})
    (point,) = points(0.5, n_candidates=400, prices=free)
    assert point.wrong == point.losing < 0.01
    assert point.captured == pytest.approx(1, abs=0.05)


def test_upkeep_is_the_difference_and_switching_is_paid_once() -> None:
    """als to item_knn: 12 h a year less of 80 EUR for a fifth of it, and 4 h once."""
    money = PARAMS.economics.model_copy(update={"horizon_days": 73})
    found = upkeep("als", "item_knn", money)
    assert found.maintenance == pytest.approx(-12 / 5 * 80)
    assert found.switching == 4 * 80
