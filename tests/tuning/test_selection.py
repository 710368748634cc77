from itertools import permutations

import numpy as np
import pytest

from pipeline.tuning.selection import crossed_gain, outlook


def test_who_chooses_does_not_judge():
    #                even columns: 0.2, 0.4   odd columns: 0.1, 0.3
    start = np.array([0.2, 0.1, 0.4, 0.3])
    loved_by_the_even = np.array([0.8, 0.0, 0.8, 0.0])
    loved_by_the_odd = np.array([0.1, 0.5, 0.3, 0.9])
    found = crossed_gain(np.stack([start, loved_by_the_even, loved_by_the_odd]))
    # The even choose the second, which the odd judge: −0.1 and −0.3. The odd choose the third: −0.1 and −0.1.
    assert found.delta == pytest.approx((-0.2 + -0.1) / 2)
    assert found.se == pytest.approx(np.sqrt(0.02 / 2 + 0) / 2)


def test_where_the_start_is_the_best_nothing_is_gained():
    found = crossed_gain(np.stack([np.full(6, 0.5), np.full(6, 0.4)]))
    assert (found.delta, found.se) == (0, 0)


def test_one_more_trial_brings_what_the_last_of_all_orders_brought():
    values = [0.3, 0.1, 0.7, 0.5]
    brought = [max(order) - max(order[:-1]) for order in permutations(values)]
    found = outlook(values, [1.0, 2.0, 3.0, 6.0])
    assert found.gain == pytest.approx(np.mean(brought))
    assert found.cpu_seconds == 3
