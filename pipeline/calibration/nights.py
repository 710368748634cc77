"""Horizons of nights drawn from real refits: the same listeners every night, with other plays and other fits."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from pipeline.calibration.refits import Refits
from pipeline.gate.candidates import COVERAGE, POPULAR, TOP_SHARE, Candidate, Tonight
from pipeline.gate.comparison import EarlierSeeds, seed_variance, variance_components
from pipeline.gate.economics import NightCost
from pipeline.gate.pooling import Look, add_up, influence, look_at
from pipeline.gate.spending import History
from pipeline.params.economics import EconomicsParams

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
CHAMPION, CHALLENGER = "champion", "challenger"


@dataclass(frozen=True)
class Contender:
    """A recipe from which nights are drawn.

    Attributes:
        fits: NDCG of shape (n_fits, n_windows, n_listeners), NaN if a listener is not eligible.
        family: the model family, which determines its upkeep.
        night: the measured cost of a night.
        stochastic: whether its fits differ.
    """

    fits: Floats
    family: str
    night: NightCost
    stochastic: bool


def contender(refits: Refits, recipe: str, *, gain: float | None = None, over: Floats | None = None) -> Contender:
    """Return a recipe of the refits. With `gain`, scale it so that its mean in each window exceeds that of `over` by
    this relative gain."""
    fits = refits.ndcg[recipe]
    if gain is not None and over is not None:
        wanted = (1 + gain) * _by_window(over)
        for _ in range(20):  # values cut off at 1 are compensated by the others
            fits = np.minimum(fits * (wanted / _by_window(fits)), 1.0)
    return Contender(fits, refits.families[recipe], refits.nights[recipe], len(refits.ndcg[recipe]) > 1)


def _by_window(fits: Floats) -> Floats:
    """Return means over fits and listeners, shape (1, n_windows, 1)."""
    means: Floats = np.nanmean(fits, axis=(0, 2), keepdims=True)
    return means


class Horizon:
    """The nights of one service in order; later nights know what earlier ones measured of seeds and gains.

    Night t is judged on decision window t, which overlaps with the window of the night before as real ones do; after
    the last window the first follows again. Fits are drawn anew each night; two stochastic contenders never share one.
    """

    def __init__(
        self, refits: Refits, champion: Contender, challenger: Contender, *, k: int, rng: np.random.Generator
    ) -> None:
        """Draw the listeners.

        If no fits differ, listeners are drawn with replacement, once for all nights. Otherwise the listeners are those
        that the fits were measured on: resampled copies of a listener would share the noise of every fit, which no two
        listeners do.

        Args:
            k: fits drawn for each contender and night.
        """
        self._refits, self._pair, self._k, self._rng = refits, (champion, challenger), k, rng
        n = refits.n_listeners
        stochastic = champion.stochastic or challenger.stochastic
        self._people = np.arange(n) if stochastic else np.sort(rng.integers(n, size=n))
        popular = refits.ndcg[POPULAR]
        self._popular = Contender(popular, POPULAR, refits.nights[POPULAR], False)
        self._known: dict[str, list[EarlierSeeds]] = {CHAMPION: [], CHALLENGER: []}
        self._looks: list[Look] = []
        self._influence = np.zeros(n)

    def __iter__(self) -> Iterator[Tonight]:
        """Yield nights without end."""
        windows = [np.flatnonzero(~np.isnan(row[self._people])) for row in self._popular.fits[0]]
        ever = np.zeros(len(self._people), np.bool_)
        while True:
            places = windows[len(self._looks) % len(windows)]
            tonight = self._night(places, ever)
            yield tonight
            ever[places] = True
            self._learn(tonight, places)

    def _night(self, places: Rows, ever: npt.NDArray[np.bool_]) -> Tonight:
        window = len(self._looks) % self._refits.n_windows
        others = ever.copy()
        others[places] = False
        pairs = {CHALLENGER: add_up(self._looks)} if self._looks else {}
        seeds = {name: tuple(known) for name, known in self._known.items()}
        history = History(len(self._looks) + 1, seeds=seeds, pairs=pairs)
        people = self._people[places]
        champion, challenger = self._pair
        same = champion.fits.shape == challenger.fits.shape and champion.stochastic
        order = [self._rng.permutation(len(each.fits)) for each in self._pair]
        chosen = (order[0][: self._k], order[0][self._k : 2 * self._k] if same else order[1][: self._k])
        candidates = {
            name: _candidate(name, each, each.fits[fits, window][:, people], history)
            for name, each, fits in zip((CHAMPION, CHALLENGER), self._pair, chosen, strict=True)
        }
        served = replace(candidates[CHAMPION], ndcg=candidates[CHAMPION].ndcg[:1], night=None)
        candidates[POPULAR] = _candidate(POPULAR, self._popular, self._popular.fits[:, window][:, people], history)
        return Tonight(
            # The popular list is a guardrail's baseline and not a challenger: one challenger, so m = 1.
            recipes=(CHAMPION, CHALLENGER),
            candidates=candidates,
            slices={name: members[people] for name, members in self._refits.slices.items()},
            served_recipe=CHAMPION,
            served=served,
            history=history,
            influence={CHALLENGER: np.concatenate([self._influence[places], self._influence[others]])},
        )

    def _learn(self, tonight: Tonight, places: Rows) -> None:
        champion, challenger = (tonight.candidates[name].ndcg for name in (CHAMPION, CHALLENGER))
        self._looks.append(look_at(challenger, champion, name=CHAMPION, key=""))
        self._influence[places] += influence(challenger, champion)
        for name, values in ((CHAMPION, champion), (CHALLENGER, challenger)):
            if len(values) > 1:
                square = float(values.mean()) ** 2
                value, of_means = (each / square for each in variance_components(values))
                self._known[name].append(EarlierSeeds(value, len(values) - 1.0, of_means))


def _candidate(name: str, each: Contender, ndcg: Floats, history: History) -> Candidate:
    seeds = seed_variance(ndcg, deterministic=not each.stochastic, earlier=history.earlier(name))
    return Candidate(name, each.family, ndcg, seeds, {COVERAGE: 0.5, TOP_SHARE: 0.5}, 0, each.night)


def free_of_cost(economics: EconomicsParams) -> EconomicsParams:
    """Return assumptions in which working hours cost nothing and gains are valuable, so that costs hide no error."""
    prices = economics.prices.model_copy(update={"engineering_hour": 0.0})
    return economics.model_copy(update={"prices": prices, "margin_per_listener_day": 10.0})
