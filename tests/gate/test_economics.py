"""Measured cost and assumed worth as money."""

import math

import pytest

from pipeline.gate.economics import GIB, Money, night_cost, per_month, running_cost, switching_cost
from pipeline.metrics.cost import Cost
from tests.gate.gate_stories import economics, night


def fit(**changes: object) -> Cost:
    return Cost(**({"cpu_seconds": 10.0, "wall_seconds": 5.0, "peak_rss_bytes": 2 * GIB, "model_bytes": 100,
                    "energy_kwh": 0.25, "energy_provenance": "constant"} | changes))  # type: ignore[arg-type]  # fmt: skip


def scoring(**changes: object) -> Cost:
    return Cost(**({"cpu_seconds": 4.0, "wall_seconds": 2.0, "peak_rss_bytes": 3 * GIB, "energy_kwh": 0.5,
                    "energy_provenance": "constant", "n_scored": 100, "scored_per_second": 50.0} | changes))  # type: ignore[arg-type]  # fmt: skip


def test_a_night_pays_for_one_fit_and_one_scoring_however_many_seeds_were_tried() -> None:
    got = night_cost([fit(), fit(cpu_seconds=20.0)], [scoring(), scoring()])
    assert got.cpu_seconds == (10 + 20) / 2 + 4
    assert got.batch_seconds == 5 + 2
    assert got.memory_gib_seconds == 2 * 5 + 3 * 2
    assert got.peak_rss_bytes == 3 * GIB
    assert got.model_bytes == 100
    assert got.energy_kwh == 0.25 + 0.5
    assert got.n_listeners == 100


@pytest.mark.parametrize(
    ("fits", "scorings"),
    [
        ([], [scoring()]),
        ([fit()], []),
        ([fit(peak_rss_bytes=None)], [scoring()]),
        ([fit(model_bytes=None)], [scoring()]),
        ([fit()], [scoring(n_scored=None)]),
        ([fit()], [scoring(n_scored=0)]),
    ],
)
def test_what_was_not_measured_is_refused(fits: list[Cost], scorings: list[Cost]) -> None:
    with pytest.raises(ValueError, match=r"no costs|not measured"):
        night_cost(fits, scorings)


def test_running_cost_by_hand_at_twice_the_listeners() -> None:
    card = economics(listeners=40000, horizon_days=365)
    got = running_cost(night(memory_gib_seconds=72.0, model_bytes=GIB), "als", card)
    prices = card.prices
    assert got.compute == pytest.approx(365 * 2 * 36 / 3600 * prices.cpu_hour)
    assert got.memory == pytest.approx(365 * 2 * 72 / 3600 * prices.memory_gib_hour)
    assert got.storage == pytest.approx(2 * 1 * 12 * prices.storage_gib_month)
    assert got.energy == pytest.approx(365 * 2 * 0.001 * (0.25 + 0.08 * 0.35))
    assert got.maintenance == pytest.approx(20 * 80.0)
    assert got.switching == 0


def test_switching_pays_the_difference_and_the_work_once() -> None:
    card = economics(horizon_days=73)  # a fifth of a year
    champion = running_cost(night(), "popular", card)
    challenger = running_cost(night(), "als", card)
    got = switching_cost(champion, challenger, "als", card)
    assert got.compute == 0
    assert got.maintenance == pytest.approx(20 / 5 * 80)
    assert got.switching == 8 * 80
    assert got.total == pytest.approx(20 / 5 * 80 + 8 * 80)


def test_a_horizon_of_a_year_is_twelve_months() -> None:
    assert per_month(120, economics(horizon_days=365)) == pytest.approx(10)


def test_running_and_one_off_cost_add_up_and_the_measured_share_is_said() -> None:
    """als costs 20 h a year and 8 h once, 80 EUR each; its night, one second of CPU time a listener more."""
    card = economics(horizon_days=365)
    champion = running_cost(night(cpu_seconds=0.0, memory_gib_seconds=0.0, energy_kwh=0.0), "popular", card)
    challenger = running_cost(night(cpu_seconds=20000.0, memory_gib_seconds=0.0, energy_kwh=0.0), "als", card)
    got = switching_cost(champion, challenger, "als", card)
    compute = 365 * 20000 / 3600 * 0.045
    assert got.running == pytest.approx(compute + 20 * 80)
    assert got.total == pytest.approx(got.running + 8 * 80) == pytest.approx(got.machines + got.people)
    assert got.measured_share == pytest.approx(compute / (compute + 28 * 80))


def test_savings_count_in_the_measured_share_by_their_size() -> None:
    assert Money(-30, 10, 0, 0, -50, 10).measured_share == 40 / 100
    assert math.isnan(Money(0, 0, 0, 0, 0, 0).measured_share)
