"""Day shocks: what all listeners share on a day is in the standard error."""

import numpy as np
import pytest

from pipeline.gate.comparison import DETERMINISTIC, Comparison, compare
from pipeline.gate.days import DayDifference, day_differences, day_variance, exposure
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import Cells, Sample

J, N = 7, 400


def cells(n: int) -> Cells:
    everyone = np.ones(n, np.bool_)
    slices = dict.fromkeys(("light", "heavy", "new"), everyone)
    return Cells(tuple(f"2026-02-{j:02d}" for j in range(1, J + 1)), np.arange(n) % N_GROUPS, slices)


def night(rng: np.random.Generator, n: int, *, shock: float, gain: float = 0.0) -> Comparison:
    """Listeners whose days differ by chance, and days on which the challenger gains or loses for all of them."""
    champion = rng.gamma(0.5, 0.2 / J, (J, n))
    mean = champion.mean(axis=1, keepdims=True)
    challenger = champion + rng.normal(0, 0.02, (J, n)) + mean * (gain + rng.normal(0, shock, (J, 1)))
    samples = (Sample(each.sum(axis=0, keepdims=True), each) for each in (challenger, champion))
    return compare(*samples, cells(n), challenger_seeds=DETERMINISTIC, champion_seeds=DETERMINISTIC)


def test_the_variance_of_shocks_is_found_with_one_standard_error_more() -> None:
    """τ² of days whose champion's parts differ, beside little listener noise, which is subtracted but for its error."""
    rng, found = np.random.default_rng(1), []
    base = np.linspace(0.05, 0.2, J)
    noise, squares, margin = 0.005 * base.mean(), np.square(base).sum(), np.sqrt(2 / (J - 1))
    for _ in range(2000):
        parts = base * rng.normal(0.03, 0.02, J) + rng.normal(0, noise, J)
        days = {str(j): DayDifference(parts[j], base[j], noise**2) for j in range(J)}
        found.append(day_variance([days]).value)
    expected = 0.02**2 + margin * (0.02**2 + J * noise**2 / squares)
    assert np.mean(found) == pytest.approx(expected, rel=0.1)  # parts of unequal size cost a little


def test_a_day_that_windows_share_counts_once() -> None:
    first = day_differences(np.array([[0.1, 0.1], [0.2, 0.2]]), np.array([[0.1, 0.1], [0.1, 0.1]]), ["a", "b"])
    again = {"b": first["b"]}
    assert day_variance([first, again]) == day_variance([first])
    shares = exposure([first, again], [1.0, 1.0])
    assert shares.tolist() == [[pytest.approx(0.1), pytest.approx(0.1)], [0.0, pytest.approx(0.1)]]


def test_intervals_hold_with_and_without_shocks() -> None:
    """1,000 nights each: shocks of 5 % a day are as large as the listeners' part here."""
    rng = np.random.default_rng(2)
    for shock in (0.0, 0.05):
        held = sum(low <= 0 <= high for low, high in (night(rng, N, shock=shock).interval() for _ in range(1000)))
        assert 930 <= held <= 985, shock


def test_an_error_over_listeners_alone_is_fooled_by_shocks() -> None:
    """At 4,000 listeners the shared part is most of the error: what leaves it out misses the truth most of the time."""
    rng, naive, aware = np.random.default_rng(3), 0, 0
    for _ in range(300):
        found = night(rng, 4000, shock=0.05)
        naive += abs(found.delta) > 1.96 * found.se_listeners
        low, high = found.interval()
        aware += not low <= 0 <= high
    assert naive > 120
    assert aware < 30


def test_a_single_day_cannot_show_how_much_days_vary() -> None:
    one = Sample(np.full((1, 4), 0.2), np.full((1, 4), 0.2))
    only = Cells(("2026-02-01",), np.arange(4, dtype=np.int16), cells(4).slices)
    found = compare(one, one, only, challenger_seeds=DETERMINISTIC, champion_seeds=DETERMINISTIC)
    assert np.isnan(found.se)
    assert found.lower(0.05) == -1


def test_days_of_other_nights_tell_how_much_days_vary() -> None:
    """60 days that vary by 5 %: the estimate has 66 degrees of freedom instead of 6, and a smaller margin."""
    rng = np.random.default_rng(5)
    tonight = day_differences(*_window(rng, 7))
    others = day_differences(*_window(rng, 60))
    found = day_variance([others, tonight])
    assert (day_variance([tonight]).df, found.df) == (6, 66)
    assert np.sqrt(found.value) == pytest.approx(0.05, rel=0.3)


def _window(rng: np.random.Generator, n_days: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    champion = np.full((n_days, 2), 0.1)
    return champion * (1 + rng.normal(0, 0.05, (n_days, 1))), champion, [f"{n_days}-{j}" for j in range(n_days)]
