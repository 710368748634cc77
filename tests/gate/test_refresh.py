"""The refresh lane: newer data are served unless they are shown to be worse, tonight or over nights."""

import datetime as dt
from dataclasses import replace

import numpy as np
import pytest

from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.comparison import DETERMINISTIC
from pipeline.gate.decision import Decision, Verdict, decide
from pipeline.gate.groups import group_of
from pipeline.gate.pooling import Cells, PairNight
from pipeline.gate.refresh import CHAIN, LEVEL, OVER_POPULAR, REFRESH, level_night, refresh_night
from pipeline.gate.spending import History
from tests.gate.gate_stories import DAYS, candidate, economics, gate


class Service:
    """Nights of listeners whose lists find some of what they play, and change a little each night.

    A day's plays are the same on each night whose window holds it. The newer fit finds what the served one finds, but
    for a share of the hits that its lists have moved away from.
    """

    def __init__(self, seed: int, *, n: int = 1500, churn: float = 0.1) -> None:
        self.rng, self.n, self.churn = np.random.default_rng(seed), n, churn
        self.groups = group_of(f"L{i}" for i in range(n))
        self.hits: dict[str, np.ndarray] = {}
        self.popular: dict[str, np.ndarray] = {}
        self.memory: dict[str, list[tuple[PairNight, np.ndarray]]] = {REFRESH: [], OVER_POPULAR: []}

    def _window(self) -> tuple[str, ...]:
        """Seven days, one later each night."""
        first = dt.date(2026, 2, 1) + dt.timedelta(days=len(self.memory[REFRESH]))
        return tuple((first + dt.timedelta(days=each)).isoformat() for each in range(len(DAYS)))

    def _candidate(self, recipe: str, hits: np.ndarray, quality: float) -> Candidate:
        daily = hits * quality * 0.14
        return candidate(recipe, 0.1, ndcg=daily.sum(axis=0, keepdims=True), daily=daily, seeds=DETERMINISTIC)

    def night(self, quality: float, served_quality: float) -> Decision:
        """One night: a day more, lists of a given quality, and the gate's decision."""
        days = self._window()
        for day in days:
            self.hits.setdefault(day, self.rng.random(self.n) < 0.08)
            self.popular.setdefault(day, self.rng.random(self.n) < 0.03)
        before = np.stack([self.hits[day] for day in days])
        moved = self.rng.random(before.shape) < self.churn
        after = np.where(moved, self.rng.random(before.shape) < 0.08, before)
        als = self._candidate("als", after, quality)
        served = replace(self._candidate("als", before, served_quality), night=None)
        popular = self._candidate("popular", np.stack([self.popular[day] for day in days]), 1.0)
        everyone = np.ones(self.n, np.bool_)
        pairs = {name: tuple(night for night, _ in each) for name, each in self.memory.items() if each}
        tonight = Tonight(
            recipes=("popular", "als"),
            candidates={"popular": popular, "als": als},
            cells=Cells(days, self.groups, dict.fromkeys(("light", "heavy", "new"), everyone)),
            served_recipe="als",
            served=served,
            history=History("als", pairs=pairs),
            influence={name: np.stack([rows for _, rows in self.memory[name]]) for name in pairs},
        )
        got = decide(tonight, gate(), economics())
        assert not got.faults
        refreshed = got.serve_source == "refit"
        night, rows = refresh_night(tonight, als, served, "")
        self.memory[REFRESH].append((replace(night, served=refreshed), rows))
        self.memory[OVER_POPULAR].append(level_night(tonight, als, ""))
        if refreshed:
            self.hits |= dict(zip(days, after, strict=True))
        return got


def quality_at_the_stop(seed: int, decay: float, *, n: int, n_nights: int = 28) -> float | None:
    """The quality that is served when refreshing stops; None if it never does."""
    service, served, fresh = Service(seed, n=n), 1.0, 1.0
    for _ in range(n_nights):
        fresh *= 1 - decay
        if service.night(fresh, served).serve_source == "served":
            return served
        served = fresh
    return None


def test_a_slow_decay_is_stopped_before_five_percent() -> None:
    """.5 % a night passes every single night. With fewer listeners, nine nights show less."""
    for n, share in ((20_000, 0.75), (5000, 0.25)):
        stops = [quality_at_the_stop(seed, 0.005, n=n) for seed in range(12)]
        assert np.mean([stop is not None and stop > 0.95 for stop in stops]) >= share, n


@pytest.mark.parametrize("gain", [0.0, 0.01])
def test_good_refreshes_pass(gain: float) -> None:
    """Newer fits that are as good as what is served, or 1 % better on the first night: 12 services of 20 nights."""
    passed = []
    for seed in range(12):
        service = Service(100 + seed)
        for night in range(20):
            first = night == 0
            passed.append(service.night(1 + gain, 1.0 if first else 1 + gain).serve_source == "refit")
    assert np.mean(passed) >= 0.95


def test_a_night_of_bad_data_leaves_what_is_served() -> None:
    got = Service(7).night(0.5, 1.0)
    assert got.refresh is not None
    assert (got.refresh.verdict, got.serve_source) == (Verdict.KEEP, "served")
    assert "not_worse_than_served" in {gate.name for gate in got.refresh.gates if gate.passed is False}


def test_once_the_cause_is_mended_refreshing_goes_on() -> None:
    service, fresh = Service(3), 1.0
    for _ in range(28):
        fresh *= 0.99
        if service.night(fresh, fresh / 0.99).serve_source == "served":
            break
    assert service.night(1.0, fresh / 0.99).serve_source == "refit"


def test_the_memory_is_told() -> None:
    service = Service(11)
    for _ in range(6):
        got = service.night(1.0, 1.0)
    assert got.refresh is not None
    assert [change.what for change in got.refresh.changes] == ["tonight", CHAIN, LEVEL]
    assert got.refresh.changes[1].n_nights == 6
