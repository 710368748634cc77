"""What a quarter of looks may spend."""

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.gate.spending import LOOKS, look_alpha, look_number, quarter

NIGHT = dt.date(2026, 2, 12)


def look(as_of: str, number: int, *, inputs: str = "a", n_challengers: int = 4) -> dict[str, object]:
    return {"as_of": as_of, "inputs": inputs, "look": number, "n_challengers": n_challengers}


@given(st.floats(1e-4, 0.4), st.integers(1, 12))
def test_a_quarter_spends_alpha_and_no_more(alpha: float, n_challengers: int) -> None:
    spent = [look_alpha(alpha, t, n_challengers=n_challengers) * n_challengers for t in range(1, LOOKS + 1)]
    assert math.fsum(spent) == pytest.approx(alpha)
    assert spent == sorted(spent, reverse=True)
    assert look_alpha(alpha, LOOKS + 1, n_challengers=n_challengers) == 0


def test_the_first_look_may_spend_the_most() -> None:
    assert look_alpha(0.05, 1, n_challengers=1) == pytest.approx(0.05 / 2.402141, rel=1e-6)
    assert look_alpha(0.05, 4, n_challengers=5) == pytest.approx(0.05 / 8 / 2.402141 / 5, rel=1e-6)


def test_looks_are_numbered_within_their_quarter() -> None:
    assert (quarter(dt.date(2026, 3, 31)), quarter(dt.date(2026, 4, 1))) == ("2026-Q1", "2026-Q2")
    looks = [look("2025-12-31", 40), look("2026-01-01", 1), look("2026-02-11", 2)]
    assert look_number(looks, as_of=NIGHT, inputs="b") == 3
    assert look_number(looks, as_of=dt.date(2026, 4, 1), inputs="b") == 1


def test_a_night_that_is_run_again_keeps_its_number_and_with_other_inputs_is_another_look() -> None:
    looks = [look("2026-02-12", 1), look("2026-02-13", 2)]
    assert look_number(looks, as_of=NIGHT, inputs="a") == 1
    assert look_number(looks, as_of=NIGHT, inputs="b") == 3


def test_a_night_that_tested_no_one_spent_nothing() -> None:
    assert look_number([look("2026-02-11", 1, n_challengers=0)], as_of=NIGHT, inputs="b") == 1
