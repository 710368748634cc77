"""Nights made of real refits, as `decide` receives them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from pipeline.calibration.refits import Floats, Refits
from pipeline.gate.candidates import COVERAGE, POPULAR, TOP_SHARE, Candidate, Tonight
from pipeline.gate.comparison import EarlierSeeds, seed_variance
from pipeline.gate.economics import NightCost
from pipeline.gate.groups import group_of
from pipeline.gate.pooling import Cells, PairNight
from pipeline.gate.spending import History
from pipeline.params.economics import EconomicsParams

Rows = npt.NDArray[np.intp]
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Contender:
    """A recipe from which nights are drawn.

    Attributes:
        daily: shape (n_fits, n_dates, n_days, n_listeners), each day's part of NDCG.
        family: the model family, which determines its upkeep.
        night: the measured cost of a night.
    """

    daily: Floats
    family: str
    night: NightCost

    @property
    def stochastic(self) -> bool:
        return len(self.daily) > 1


def contender(refits: Refits, recipe: str, *, gain: float | None = None, over: Floats | None = None) -> Contender:
    """Return a recipe of the refits. With `gain`, scale it so that its mean on each date exceeds that of `over` by this
    relative gain; no listener's NDCG exceeds 1."""
    daily = refits.daily[recipe]
    if gain is not None and over is not None:
        daily = lifted(daily, (1 + gain) * _by_date(over))
    return Contender(daily, refits.families[recipe], refits.nights[recipe])


def lifted(daily: Floats, wanted: Floats) -> Floats:
    """Return parts of NDCG scaled to a mean, with no listener's NDCG above 1.

    Args:
        daily: shape (n_fits, n_dates, n_days, n_listeners).
        wanted: shape (n_dates,).
    """
    ndcg = daily.sum(axis=2)
    moved = ndcg
    for _ in range(20):  # values cut off at 1 are compensated by the others
        moved = np.minimum(moved * (wanted / np.nanmean(moved, axis=(0, 2)))[None, :, None], 1.0)
    found: Floats = daily * np.divide(moved, ndcg, out=np.ones_like(ndcg), where=ndcg > 0)[:, :, None]
    return found


def shocked(daily: Floats, shocks: Floats) -> Floats:
    """Return parts of NDCG with whole days lifted by 1 + s, with no listener's NDCG above 1.

    Args:
        daily: shape (n_fits, n_days, n_listeners).
        shocks: s, shape (n_days,).
    """
    moved = daily * (1 + shocks)[None, :, None]
    found: Floats = moved / np.maximum(moved.sum(axis=1, keepdims=True), 1.0)
    return found


@dataclass(frozen=True)
class Service:
    """Listeners of the refits on one date, among whom recipes are compared.

    Attributes:
        refits: the fits.
        date: position of the date.
        people: the listeners of the night, by their number in the refits.
    """

    refits: Refits
    date: int
    people: Rows
    popular: Candidate = field(init=False)
    cells: Cells = field(init=False)

    def __post_init__(self) -> None:
        refits = self.refits
        groups = group_of(f"listener-{each}" for each in self.people)
        slices = {name: members[self.date][self.people] for name, members in refits.slices.items()}
        days = tuple(f"2026-01-{1 + day:02d}" for day in range(refits.n_days))
        object.__setattr__(self, "cells", Cells(days, groups, slices))
        everyday = Contender(refits.daily[POPULAR], POPULAR, refits.nights[POPULAR])
        object.__setattr__(self, "popular", self.candidate(POPULAR, everyday, np.zeros(1, dtype=np.intp)))

    def candidate(
        self,
        name: str,
        each: Contender,
        fits: Rows,
        *,
        earlier: tuple[EarlierSeeds, ...] = (),
        shocks: Floats | None = None,
    ) -> Candidate:
        """Return some fits of a recipe, measured on the service's listeners."""
        daily = each.daily[fits, self.date][:, :, self.people]
        daily = daily if shocks is None else shocked(daily, shocks)
        return measured(name, each, daily, earlier=earlier)

    def tonight(
        self,
        champion: Candidate,
        challenger: Candidate | None = None,
        *,
        served: Candidate | None = None,
        pairs: Mapping[str, tuple[PairNight, ...]] | None = None,
        influence: Mapping[str, Floats] | None = None,
    ) -> Tonight:
        """Return a night. Unless another one is given, the champion's first fit is what is served.

        The popular list is a guardrail's baseline and no challenger.
        """
        if served is None:
            served = replace(champion, ndcg=champion.daily.sum(axis=0)[None], night=None)
        candidates = {POPULAR: self.popular, CHAMPION: champion}
        if challenger is not None:
            candidates[CHALLENGER] = challenger
        return Tonight(
            recipes=tuple(name for name in candidates if name != POPULAR),
            candidates=candidates,
            cells=self.cells,
            served_recipe=CHAMPION,
            served=served,
            history=History(champion=CHAMPION, pairs=pairs or {}),
            influence=influence or {},
        )


def measured(name: str, each: Contender, daily: Floats, *, earlier: tuple[EarlierSeeds, ...] = ()) -> Candidate:
    """Return a candidate with given parts of NDCG, shape (n_fits, n_days, n_listeners)."""
    ndcg = daily.sum(axis=1)
    seeds = seed_variance(ndcg, deterministic=not each.stochastic, earlier=earlier)
    shares = {COVERAGE: 0.5, TOP_SHARE: 0.5}
    return Candidate(name, each.family, ndcg, daily.mean(axis=0), seeds, shares, 0, each.night)


def whole(refits: Refits, date: int) -> Service:
    """Return the service with all listeners that are eligible on a date."""
    return Service(refits, date, refits.here(date))


def some(refits: Refits, date: int, n: int, rng: np.random.Generator) -> Service:
    """Return the service with n of them, drawn without replacement."""
    here = refits.here(date)
    return Service(refits, date, np.sort(rng.choice(here, size=min(n, len(here)), replace=False)))


def two_lots(champion: Contender, challenger: Contender, k: int, rng: np.random.Generator) -> tuple[Rows, Rows]:
    """Return fits of champion and challenger; if both are the same recipe, no fit is in both."""
    if champion.stochastic and len(champion.daily) == len(challenger.daily):
        order = rng.permutation(len(champion.daily))
        return order[:k], order[-k:]
    return tuple(rng.permutation(len(each.daily))[:k] for each in (champion, challenger))  # type: ignore[return-value]


def free_of_cost(economics: EconomicsParams) -> EconomicsParams:
    """Return assumptions in which working hours cost nothing and gains are valuable, so that costs hide no error."""
    prices = economics.prices.model_copy(update={"engineering_hour": 0.0})
    return economics.model_copy(update={"prices": prices, "margin_per_listener_day": 10.0})


def _by_date(daily: Floats) -> Floats:
    found: Floats = np.nanmean(daily.sum(axis=2), axis=(0, 2))
    return found
