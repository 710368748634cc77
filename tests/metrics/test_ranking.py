import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.metrics.ranking import top_k


def test_the_best_come_first_and_ties_go_to_the_lower_index():
    best = top_k(np.array([[1, 3, 3, 2, 3]], dtype=np.float32), k=2)
    assert best.items.tolist() == [[1, 2]]
    assert best.scores.tolist() == [[3.0, 3.0]]
    assert (best.items.dtype, best.scores.dtype) == (np.int32, np.float32)


def test_what_is_minus_infinity_is_never_listed():
    best = top_k(np.array([[-np.inf, -5, -np.inf], [-np.inf] * 3], dtype=np.float32), k=2)
    assert best.items.tolist() == [[1, -1], [-1, -1]]
    assert np.isnan(best.scores).tolist() == [[False, True], [True, True]]


def test_a_list_longer_than_the_catalogue_is_padded():
    best = top_k(np.array([[1, 2]], dtype=np.float32), k=4)
    assert best.items.tolist() == [[1, 0, -1, -1]]


def test_no_rows_give_no_lists():
    assert top_k(np.empty((0, 5), dtype=np.float32), k=3).items.shape == (0, 3)


few_values = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0])


@given(
    hnp.arrays(np.float32, st.tuples(st.integers(1, 6), st.integers(1, 12)), elements=few_values), st.integers(1, 15)
)
def test_every_row_equals_a_stable_sort_of_what_may_be_listed(scores, k):
    best = top_k(scores, k=k)
    for row, items in zip(scores, best.items, strict=True):
        expected = [int(j) for j in np.argsort(-row, kind="stable") if row[j] > -np.inf][:k]
        assert [j for j in items.tolist() if j >= 0] == expected
        assert items.tolist()[len(expected) :] == [-1] * (k - len(expected))
