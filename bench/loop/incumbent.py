"""The incumbent's advantage: a better challenger on the raw log, on withheld pairs, and on a log without lists.

The short cut: no models are fitted. A listener discovers items; each is on the champion's list with a probability, on
the challenger's with another, at a random rank. Then the champion's lists, which are served, cause more plays.
"""

from dataclasses import dataclass

import numpy as np

from bench.loop.intervals import Share
from pipeline.online.effects import Effect
from pipeline.online.withholding import PairComparison, PlayedPairs, compare_pairs, discount

K = 20
FOUND = 0.08
"""Share of discoveries that the champion's list would have held, in a log without lists."""
SHARED = 0.6
"""Of what the champion lists of discoveries, the share that the challenger lists too."""
PER_LISTENER = 12.0
N_DAYS = 28


@dataclass(frozen=True)
class Compared:
    """Share of runs in which the better challenger is proven, one-sided at 5 %; and the mean gain that was read."""

    proven: Share
    gain: float
    se: float


@dataclass(frozen=True)
class LockIn:
    """A challenger of a known gain under feedback."""

    true_gain: float
    raw: Compared
    withheld: Compared
    without_feedback: Compared
    """A log that no list has shaped, with as many pairs as are withheld, so that the SE is the same."""


def lock_in(*, gain: float, caused: float, q: float, n_listeners: int, n: int, rng: np.random.Generator) -> LockIn:
    """Compare the two in n worlds.

    Args:
        gain: true relative gain of the challenger's discounted gain.
        caused: share of discoveries that the served lists cause, where nothing is withheld.
        q: share of pairs that are withheld.
        n_listeners: in each world.
        n: worlds.
        rng: draws.
    """
    found: dict[str, list[Effect]] = {"raw": [], "withheld": [], "without": []}
    for _ in range(n):
        compared = one_world(gain=gain, caused=caused, q=q, n_listeners=n_listeners, rng=rng)
        calm = one_world(gain=gain, caused=0.0, q=q, n_listeners=n_listeners, rng=rng)
        for name, effect in (("raw", compared.raw), ("withheld", compared.withheld), ("without", calm.withheld)):
            if effect is not None:
                found[name].append(effect)
    return LockIn(gain, *(_summed(found[name], n) for name in ("raw", "withheld", "without")))


def one_world(*, gain: float, caused: float, q: float, n_listeners: int, rng: np.random.Generator) -> PairComparison:
    """Compare the two in one world; the arguments are those of `lock_in`."""
    played = _log(gain, caused, q, n_listeners, rng)
    return compare_pairs(played, n_listeners=n_listeners, n_days=N_DAYS)


def _log(gain: float, caused: float, q: float, n_listeners: int, rng: np.random.Generator) -> PlayedPairs:
    """Return the played pairs of a decision window.

    The challenger lists what the champion lists with probability SHARED, and others so that its discounted gain is
    (1 + gain) times the champion's. Lists cause plays of the champion's items alone, unless a pair is withheld.
    """
    n = int(rng.poisson(PER_LISTENER * n_listeners))
    by_champion = rng.random(n) < FOUND
    both = by_champion & (rng.random(n) < SHARED)
    others = FOUND * (1 + gain - SHARED) / (1 - FOUND)
    by_challenger = both | (~by_champion & (rng.random(n) < others))
    n_caused = int(rng.poisson(n * caused / (1 - caused)))
    champion = np.concatenate([by_champion, np.ones(n_caused, dtype=bool)])
    # What lists cause is on the challenger's list as often as any other of the champion's items.
    challenger = np.concatenate([by_challenger, rng.random(n_caused) < SHARED])
    withheld = rng.random(len(champion)) < q
    kept = ~(withheld & (np.arange(len(champion)) >= n))  # a pair that is on no list causes nothing
    listener = rng.integers(n_listeners, size=len(champion))
    day = rng.integers(N_DAYS, size=len(champion))
    ranks = [np.where(on, rng.integers(1, K + 1, len(on)), np.nan) for on in (champion, challenger)]
    first, second = (discount(each) for each in ranks)
    return PlayedPairs(listener[kept], day[kept], first[kept], second[kept], withheld[kept])


def _summed(found: list[Effect], n: int) -> Compared:
    proven = sum(each.interval(0.9)[0] > 0 for each in found)
    return Compared(
        Share(proven, n), float(np.mean([each.value for each in found])), float(np.mean([each.se for each in found]))
    )
