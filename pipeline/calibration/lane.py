"""The refresh lane over nights of real refits: good refreshes, decay, null refreshes and a night of bad data."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.calibration.clocks import Rule, best_possible
from pipeline.calibration.nights import (
    CHAMPION,
    Contender,
    Rows,
    Service,
    contender,
    measured,
    shocked,
    some,
)
from pipeline.calibration.rates import rate
from pipeline.calibration.refits import Floats, Refits
from pipeline.gate.candidates import Candidate, Tonight, contrast
from pipeline.gate.decision import Verdict, decide
from pipeline.gate.pooling import PairNight
from pipeline.gate.refresh import MEMORY, OVER_POPULAR, REFRESH, level_night, refresh_night

DATE = 1
"""Position of the date whose fits are used."""
SAME_PEOPLE = 7
"""Nights of the same listeners: windows a week apart share no day, and hardly correlate."""


@dataclass(frozen=True)
class Change:
    """How newer fits compare with the one that is served, on night t."""

    name: str
    relative: float
    """Each newer fit's gain over the served one: of a steady change, from what is served; of decay, from the start."""
    from_start: bool
    """Whether quality falls from the start, whatever is served, as recipes decay."""


GOOD = Change("newer fits 1 % better", 0.01, from_start=False)
NULL = Change("newer fits as good", 0.0, from_start=False)
DECAY = Change("decay of 0.5 % a night", -0.005, from_start=True)


@dataclass(frozen=True)
class Course:
    """What refreshing came to: for each night, whether it was refreshed, and the quality that is served afterwards."""

    refreshed: tuple[bool, ...]
    quality: tuple[float, ...]


@dataclass
class Memory:
    """What nights leave to later ones, by the name of the lane's comparison."""

    nights: dict[str, list[PairNight]] = field(default_factory=lambda: {name: [] for name in MEMORY})
    rows: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in MEMORY})


class Lane:
    """A champion that is refreshed night after night, with the memory that the ledger would keep."""

    def __init__(self, refits: Refits, recipe: str, rule: Rule) -> None:
        """Prepare nights of a stochastic recipe of the refits.

        Newer fits come from one half of them and what is served from the other half, so that their luck differs from
        night to night: one fit's lists, scored night after night, would add up where real refreshes cancel.
        """
        self.refits, self.rule = refits, rule
        every = contender(refits, recipe)
        half = len(every.daily) // 2
        self.fresh, self.stale = (replace(every, daily=each) for each in (every.daily[:half], every.daily[half:]))

    def course(self, change: Change, *, n: int, n_nights: int, shock_sd: float, rng: np.random.Generator) -> Course:
        """Return what becomes of a champion over some nights."""
        served, refreshed, quality = 1.0, [], []
        memory = Memory()
        service = some(self.refits, DATE, n, rng)
        for night in range(n_nights):
            if night and night % SAME_PEOPLE == 0:
                service = some(self.refits, DATE, n, rng)
            newer = (1 + change.relative) ** (night + 1) if change.from_start else served * (1 + change.relative)
            tonight = self._tonight(service, (served, newer), memory, shock_sd, rng)
            decision = decide(tonight, *self.rule)
            assert decision.refresh is not None
            passed = decision.refresh.verdict is Verdict.PROMOTE
            fresh, old = tonight.candidates[CHAMPION], tonight.served
            assert old is not None
            as_of = f"{night:04d}"
            for name, (pair, influence) in {
                REFRESH: refresh_night(tonight, fresh, old, as_of),
                OVER_POPULAR: level_night(tonight, fresh, as_of),
            }.items():
                memory.nights[name].append(replace(pair, served=passed))
                memory.rows[name].append(influence)
            served = newer if passed else served
            refreshed.append(passed)
            quality.append(served)
        return Course(tuple(refreshed), tuple(quality))

    def _tonight(
        self, service: Service, quality: tuple[float, float], memory: Memory, shock_sd: float, rng: np.random.Generator
    ) -> Tonight:
        """Return a night; `quality` is that of what is served, and of what is newer."""
        shocks = shock_sd * rng.standard_normal(self.refits.n_days)
        k = self.rule.gate.seeds
        fresh = self._candidate(service, self.fresh, _fits(self.fresh, k, rng), quality[1] * (1 + shocks))
        old = self._candidate(service, self.stale, _fits(self.stale, 1, rng), quality[0] * np.ones_like(shocks))
        kept = [name for name, each in memory.nights.items() if each]
        return service.tonight(
            fresh,
            served=replace(old, seeds=fresh.seeds, night=None),
            pairs={name: tuple(memory.nights[name]) for name in kept},
            influence={name: np.stack(memory.rows[name]) for name in kept},
        )

    def _candidate(self, service: Service, each: Contender, fits: Rows, quality: Floats) -> Candidate:
        daily = each.daily[fits, DATE][:, :, service.people]
        return measured(CHAMPION, each, shocked(daily, quality - 1))


def refreshes(
    lane: Lane, change: Change, *, n: int, n_nights: int, n_runs: int, shock_sd: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Return how a champion fares that is refreshed for some nights.

    Returns:
        `passed`: the share of nights on which the newer fit is served; `within`: the share of runs whose served quality
        stays above −5 %; `ceiling`: the power of one test at 5 % of a change of −5 % + margin between the first night
        and the tenth, before −5 % is reached.
    """
    runs = [lane.course(change, n=n, n_nights=n_nights, shock_sd=shock_sd, rng=rng) for _ in range(n_runs)]
    flat = [passed for run in runs for passed in run.refreshed]
    kept = sum(min(run.quality) > 0.95 for run in runs)
    margin = lane.rule.gate.refresh_margin
    return {
        "change": change.name,
        "listeners": n,
        "shock_sd": shock_sd,
        "passed": rate(sum(flat), len(flat)),
        "within": rate(kept, n_runs),
        "ceiling": best_possible(0.05 - margin, refresh_se(lane, n, rng), 0.05),
    }


def refresh_se(lane: Lane, n: int, rng: np.random.Generator) -> float:
    """Return the relative SE of one night's comparison of a newer fit with the served one."""
    service = some(lane.refits, DATE, n, rng)
    tonight = lane._tonight(service, (1.0, 1.0), Memory(), 0.0, rng)
    assert tonight.served is not None
    found = contrast(tonight.candidates[CHAMPION], tonight.served, service.cells)
    return found.se / found.champion_mean


def bad_data(
    refits: Refits, pair: tuple[str, str], rule: Rule, *, n_runs: int, rng: np.random.Generator
) -> dict[str, Any]:
    """Draw nights on which bad data halve the champion's newer fits, while a challenger, better than those, reaches six
    tenths of what is served. Return how often the served model stays."""
    champion, challenger = (contender(refits, name) for name in pair)
    sizes, stays = (600, 1_500, 5_000, refits.n_listeners), []
    for run in range(n_runs):
        service = some(refits, DATE, sizes[run % len(sizes)], rng)
        lots = [_fits(each, rule.gate.seeds, rng) for each in (champion, challenger)]
        good = service.candidate(CHAMPION, champion, lots[0])
        first = champion.daily[lots[0][:1], DATE][:, :, service.people]
        served = replace(measured(CHAMPION, champion, first), seeds=good.seeds, night=None)
        daily = champion.daily[lots[0], DATE][:, :, service.people]
        halved = measured(CHAMPION, champion, 0.5 * daily)
        theirs = challenger.daily[lots[1], DATE][:, :, service.people]
        share = 0.6 * float(good.ndcg.mean()) / float(theirs.sum(axis=1).mean())
        better = measured("challenger", challenger, shocked(theirs, np.full(refits.n_days, share - 1)))
        decision = decide(service.tonight(halved, better, served=served), *rule)
        stays.append(decision.serve_source == "served")
    return {"stays": rate(sum(stays), n_runs), "listeners": list(sizes)}


def _fits(each: Contender, k: int, rng: np.random.Generator) -> Rows:
    return rng.permutation(len(each.daily))[: k if each.stochastic else 1]
