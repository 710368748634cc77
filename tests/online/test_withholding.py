"""A log that its own lists have shaped: the raw comparison is wrong, that of withheld pairs is not."""

import numpy as np
import pytest

from pipeline.online.assignment import layer_salt, withheld_pairs
from pipeline.online.withholding import PairComparison, PlayedPairs, compare_pairs, discount

N, ITEMS, K, DAYS, Q = 12_000, 60, 10, 7, 0.1


def test_the_discount_is_that_of_ndcg() -> None:
    assert discount(np.array([1.0, 3.0, np.nan])).tolist() == [1.0, 1 / 2, 0.0]


def served_log(rng: np.random.Generator, *, caused: float) -> PairComparison:
    """Listeners like items; the treatment ranks by liking with less noise than the control, which is what is served.

    An item on the served list is played for that reason alone with probability `caused`.
    """
    liking = rng.gumbel(0, 1, (N, ITEMS))
    ranks = [(-(liking + rng.normal(0, sd, liking.shape))).argsort(axis=1).argsort(axis=1) + 1.0 for sd in (2.0, 1.6)]
    control, treatment = (discount(np.where(each <= K, each, np.nan)) for each in ranks)
    pairs = np.stack(np.divmod(np.arange(N * ITEMS), ITEMS))
    listeners, items = [f"{n:032x}" for n in range(N)], [f"i{n}" for n in range(ITEMS)]
    held = withheld_pairs(layer_salt(b"k", "pairs"), "w", listeners, items, pairs, q=Q).reshape(N, ITEMS)
    played = rng.random((N, ITEMS)) < 0.05 * np.exp(liking - 1)
    played |= (control > 0) & ~held & (rng.random((N, ITEMS)) < caused)
    i, j = np.nonzero(played)
    day = rng.integers(0, DAYS, len(i))
    found = PlayedPairs(i, day, control[i, j], treatment[i, j], held[i, j])
    return compare_pairs(found, n_listeners=N, n_days=DAYS)


def test_withheld_pairs_find_the_better_recipe_that_the_raw_log_denies() -> None:
    free = served_log(np.random.default_rng(1), caused=0.0)
    shaped = served_log(np.random.default_rng(1), caused=0.3)
    assert free.raw is not None
    assert shaped.raw is not None
    assert shaped.withheld is not None
    assert free.raw.interval()[0] > 0.05
    assert shaped.raw.interval()[1] < 0  # what was served looks better because it was served
    low, high = shaped.withheld.interval()
    assert low < free.raw.value < high
    assert low > 0
    assert shaped.n_withheld > 100


def test_without_feedback_both_logs_say_the_same_and_withheld_pairs_cost_a_wider_interval() -> None:
    found = served_log(np.random.default_rng(2), caused=0.0)
    assert found.raw is not None
    assert found.withheld is not None
    assert abs(found.raw.value - found.withheld.value) < 3 * found.withheld.se
    assert found.withheld.se / found.raw.se == pytest.approx(1 / np.sqrt(Q), rel=0.3)
