import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.metrics.cost import Cost, mean_cost

FIT = Cost(cpu_seconds=2.0, wall_seconds=1.0, peak_rss_bytes=300, model_bytes=50, energy_kwh=1e-6,
           energy_provenance="measured")  # fmt: skip
SCORING = Cost(cpu_seconds=1.0, wall_seconds=0.5, peak_rss_bytes=400, energy_kwh=2e-6, energy_provenance="constant",
               n_scored=100, scored_per_second=200.0)  # fmt: skip

seconds = st.floats(0, 1e6)
costs = st.builds(
    Cost,
    cpu_seconds=seconds,
    wall_seconds=seconds,
    peak_rss_bytes=st.none() | st.integers(0, 2**50),
    model_bytes=st.none() | st.integers(0, 2**50),
    energy_kwh=st.just(math.nan) | st.floats(0, 1e3),
    energy_provenance=st.sampled_from([None, "measured", "estimated", "constant"]),
    n_scored=st.none() | st.integers(1, 10**9),
    scored_per_second=st.floats(1e-3, 1e6),
)


def test_times_and_energy_are_added_and_memory_and_model_size_are_the_maximum():
    total = FIT + SCORING
    assert total.cpu_seconds == 3.0
    assert total.wall_seconds == 1.5
    assert total.peak_rss_bytes == 400
    assert total.model_bytes == 50
    assert total.energy_kwh == pytest.approx(3e-6)


def test_the_provenance_of_a_sum_is_that_of_its_least_certain_part():
    assert (FIT + SCORING).energy_provenance == "constant"
    assert (FIT + FIT).energy_provenance == "measured"
    unknown = FIT + Cost(cpu_seconds=1.0, wall_seconds=1.0)
    assert unknown.energy_provenance is None
    assert math.isnan(unknown.energy_kwh)


def test_the_speed_of_two_scorings_is_all_listeners_by_all_seconds():
    fast = Cost(cpu_seconds=1.0, wall_seconds=1.0, n_scored=300, scored_per_second=300.0)
    slow = Cost(cpu_seconds=1.0, wall_seconds=3.0, n_scored=300, scored_per_second=100.0)
    assert (fast + slow).scored_per_second == pytest.approx(600 / (1 + 3))
    assert (FIT + slow).scored_per_second == pytest.approx(100.0)


def test_scaling_multiplies_times_and_energy_but_not_memory_and_model_size():
    double = SCORING.scaled(2.0)
    assert (double.cpu_seconds, double.wall_seconds, double.n_scored) == (2.0, 1.0, 200)
    assert (double.peak_rss_bytes, double.scored_per_second) == (400, 200.0)
    assert FIT.scaled(2.0).model_bytes == 50


def test_the_mean_of_three_equal_fits_is_one_of_them():
    mean = mean_cost([FIT, FIT, FIT])
    assert mean.cpu_seconds == pytest.approx(2.0)
    assert mean.model_bytes == 50
    with pytest.raises(ValueError, match="no costs"):
        mean_cost([])


def test_undefined_figures_are_null_in_json_and_nan_in_memory():
    raw = json.loads(json.dumps(Cost(cpu_seconds=1.0, wall_seconds=1.0).to_dict(), allow_nan=False))
    assert raw["energy_kwh"] is None
    assert raw["model_bytes"] is None
    assert math.isnan(Cost.from_dict(raw).energy_kwh)


def test_an_unknown_provenance_is_refused():
    with pytest.raises(ValueError, match="guessed"):
        Cost.from_dict(FIT.to_dict() | {"energy_provenance": "guessed"})


@given(costs)
def test_a_cost_is_read_back_from_json_with_other_keys_beside_it(cost):
    raw = json.loads(json.dumps(cost.to_dict() | {"seed": 1}, allow_nan=False))
    assert Cost.from_dict(raw).to_dict() == cost.to_dict()


@given(costs, costs)
def test_addition_does_not_depend_on_the_order(a, b):
    assert (a + b).to_dict() == (b + a).to_dict()


def test_two_scorings_of_no_listener_are_a_scoring_of_no_listener():
    unscored = Cost(cpu_seconds=0.1, wall_seconds=0.1, energy_kwh=0.0, n_scored=0, scored_per_second=0.0)
    total = unscored + unscored
    assert total.n_scored == 0
    assert math.isnan(total.scored_per_second)
