"""What no family could learn from never reaches one."""

import numpy as np
import pytest
import scipy.sparse as sp

from pipeline.errors import ValidationFailed
from pipeline.recommenders.interactions import Interactions

TWO_LISTENERS = ([1.0, 2.0, 3.0], [0, 2, 1], [0, 2, 3])
"""Data, columns and row starts: the first has items 0 and 2, the second item 1."""


def make(data=TWO_LISTENERS[0], columns=TWO_LISTENERS[1], ages=(0, 0, 5)):
    parts = (np.array(data, np.float32), np.array(columns, np.int32), np.array(TWO_LISTENERS[2], np.int32))
    return Interactions(sp.csr_matrix(parts, shape=(2, 3)), np.array(ages, np.int32))


def test_good_interactions_stay_as_they_are():
    found = make()
    assert (found.n_listeners, found.n_items) == (2, 3)
    assert found.weights.toarray().tolist() == [[1.0, 0.0, 2.0], [0.0, 3.0, 0.0]]


@pytest.mark.parametrize(
    ("spoilt", "says"),
    [
        ({"data": [1, 2, np.nan]}, r"a weight of nan \(listener 1, item 1\)"),
        ({"data": [1, np.inf, 3]}, r"a weight of inf \(listener 0, item 2\)"),
        ({"data": [-1, 2, 3]}, r"a weight of -1.0 \(listener 0, item 0\)"),
        ({"data": [1, 0, 3]}, r"a weight of 0.0 \(listener 0, item 2\)"),
        ({"columns": [2, 0, 1]}, "out of order"),
        ({"columns": [2, 2, 1]}, "repeated"),
        ({"ages": [0, 0]}, "2 ages of 3 weights"),
        ({"ages": [0, 0, -3]}, "an age of -3 days"),
    ],
)
def test_what_cannot_be_learnt_from_is_refused_in_one_line(spoilt, says):
    with pytest.raises(ValidationFailed, match=says) as caught:
        make(**spoilt)
    assert "\n" not in str(caught.value)
