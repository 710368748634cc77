from itertools import permutations

import numpy as np
import pytest

from pipeline.tuning.selection import crossed_gain, outlook


def test_listeners_that_select_do_not_measure():
    #                even columns: 0.2, 0.4   odd columns: 0.1, 0.3
    start = np.array([0.2, 0.1, 0.4, 0.3])
    loved_by_the_even = np.array([0.8, 0.0, 0.8, 0.0])
    loved_by_the_odd = np.array([0.1, 0.5, 0.3, 0.9])
    found = crossed_gain(np.stack([start, loved_by_the_even, loved_by_the_odd]))
    # The even choose the second, which the odd judge: −0.1 and −0.3. The odd choose the third: −0.1 and −0.1.
    assert found.delta == pytest.approx((-0.2 + -0.1) / 2)
    assert found.se == pytest.approx(np.sqrt(0.02 / 2 + 0) / 2)


def test_the_gain_is_zero_if_the_start_is_the_best():
    found = crossed_gain(np.stack([np.full(6, 0.5), np.full(6, 0.4)]))
    assert (found.delta, found.se) == (0, 0)


def test_the_expected_gain_of_a_trial_is_the_mean_over_all_orders():
    values = [0.3, 0.1, 0.7, 0.5]
    brought = [max(order) - max(order[:-1]) for order in permutations(values)]
    found = outlook(values, [1.0, 2.0, 3.0, 6.0])
    assert found.gain == pytest.approx(np.mean(brought))
    assert found.cpu_seconds == 3
