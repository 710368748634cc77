"""Nights drawn from real refits: listeners with replacement, fits without."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.calibration.refits import Refits
from pipeline.core.candidates import POPULAR, Candidate, Tonight
from pipeline.core.comparison import EarlierSeeds, seed_variance, variance_components
from pipeline.core.economics import NightCost
from pipeline.core.spending import History
from pipeline.params import EconomicsParams

Floats = npt.NDArray[np.float64]
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Contender:
    """A recipe as nights are drawn of it.

    Attributes:
        fits: NDCG of shape (n_fits, n_listeners).
        family: what its upkeep costs.
        night: what a night of it costs.
        stochastic: whether its fits differ.
    """

    fits: Floats
    family: str
    night: NightCost
    stochastic: bool


def contender(refits: Refits, recipe: str, *, gain: float | None = None, over: Floats | None = None) -> Contender:
    """A recipe of the refits; with `gain`, scaled so that its mean is that much above the mean of `over`."""
    fits = refits.ndcg[recipe]
    if gain is not None and over is not None:
        wanted = (1 + gain) * over.mean()
        for _ in range(20):  # what is cut off at 1 is made good by the others
            fits = np.minimum(fits * (wanted / fits.mean()), 1.0)
    return Contender(fits, refits.families[recipe], refits.nights[recipe], len(refits.ndcg[recipe]) > 1)


class Drawer:
    """Draws the nights of one horizon; what a night learns of the seeds, later ones know."""

    def __init__(
        self, refits: Refits, champion: Contender, challenger: Contender, *, n: int, k: int, rng: np.random.Generator
    ) -> None:
        """`n` listeners and `k` fits a night; two stochastic contenders never share a fit."""
        self._refits, self._pair, self._n, self._k, self._rng = refits, (champion, challenger), n, k, rng
        self._known: dict[str, list[EarlierSeeds]] = {CHAMPION: [], CHALLENGER: []}
        popular = refits.ndcg[POPULAR]
        self._popular = Contender(popular, POPULAR, refits.nights[POPULAR], False)
        self._look = 0

    def night(self) -> Tonight:
        """The next one."""
        self._look += 1
        listeners = self._rng.integers(self._refits.n_listeners, size=self._n)
        champion, challenger = self._pair
        same = champion.fits.shape == challenger.fits.shape and len(champion.fits) > 1
        order = [self._rng.permutation(len(each.fits)) for each in self._pair]
        chosen = (order[0][: self._k], order[0][self._k : 2 * self._k] if same else order[1][: self._k])
        history = History(self._look, seeds={name: tuple(known) for name, known in self._known.items()})
        candidates = {
            name: self._candidate(name, each, each.fits[np.ix_(fits, listeners)], history)
            for name, each, fits in zip((CHAMPION, CHALLENGER), self._pair, chosen, strict=True)
        }
        for name, each in candidates.items():
            self._learn(name, each)
        candidates[POPULAR] = self._candidate(POPULAR, self._popular, self._popular.fits[:, listeners], history)
        slices = {name: members[listeners] for name, members in self._refits.slices.items()}
        # The popular list is there to be beaten, and is no challenger: one challenger, so m = 1.
        return Tonight((CHAMPION, CHALLENGER), candidates, slices, CHAMPION, _served(candidates[CHAMPION]), (), history)

    def _candidate(self, name: str, each: Contender, ndcg: Floats, history: History) -> Candidate:
        seeds = seed_variance(ndcg, deterministic=not each.stochastic, earlier=history.earlier(name))
        return Candidate(name, each.family, ndcg, seeds, 0.5, 0.5, 0, each.night)

    def _learn(self, name: str, candidate: Candidate) -> None:
        if len(candidate.ndcg) > 1:
            square = float(candidate.ndcg.mean()) ** 2
            value, of_means = (each / square for each in variance_components(candidate.ndcg))
            self._known[name].append(EarlierSeeds(value, len(candidate.ndcg) - 1.0, of_means))


def _served(champion: Candidate) -> Candidate:
    return replace(champion, ndcg=champion.ndcg[:1], night=None)


def free_of_cost(economics: EconomicsParams) -> EconomicsParams:
    """Assumptions under which people's hours cost nothing and a gain is dear: money then hides no mistake."""
    prices = economics.prices.model_copy(update={"engineering_hour": 0.0})
    return economics.model_copy(update={"prices": prices, "margin_per_listener_day": 10.0})
