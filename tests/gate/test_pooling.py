"""Looks at the same pair, pooled by listener."""

import math

import numpy as np
import pytest

from pipeline.gate.comparison import DETERMINISTIC, Comparison, SeedVariance, compare
from pipeline.gate.pooling import Earlier, add_up, influence, look_at

Floats = np.ndarray


def pooled(nights: list[tuple[Floats, Floats, Floats]], seeds: SeedVariance = DETERMINISTIC) -> Comparison:
    """The last night's comparison, pooled with those before: listeners' numbers, challenger and champion by fits."""
    everyone = np.zeros(1 + max(int(people.max()) for people, *_ in nights))
    seen = np.zeros(len(everyone), np.bool_)
    *before, (tonights, challenger, champion) = nights
    for people, theirs, ours in before:
        everyone[people] += influence(theirs, ours)
        seen[people] = True
    seen[tonights] = False
    looks = add_up([look_at(theirs, ours, name="a", key="k") for _, theirs, ours in before])
    earlier = Earlier(looks, np.concatenate([everyone[tonights], everyone[seen]]))
    return compare(challenger, champion, challenger_seeds=seeds, champion_seeds=seeds, earlier=earlier)


def night(people: Floats, seed: int, *, gain: float = 0.01, n_fits: int = 1) -> tuple[Floats, Floats, Floats]:
    rng = np.random.default_rng(seed)
    champion = rng.uniform(0, 0.2, (n_fits, len(people)))
    return people, champion + gain + rng.normal(0, 0.05, champion.shape), champion


def alone(each: tuple[Floats, Floats, Floats], seeds: SeedVariance = DETERMINISTIC) -> Comparison:
    return compare(each[1], each[2], challenger_seeds=seeds, champion_seeds=seeds)


def test_the_same_plays_seen_twice_prove_no_more() -> None:
    once = night(np.arange(500), 1)
    twice = pooled([once, once, once])
    assert twice.n_looks == 3
    assert (twice.delta, twice.se, twice.champion_mean) == pytest.approx(
        (alone(once).delta, alone(once).se, alone(once).champion_mean)
    )


def test_other_listeners_prove_as_much_as_more_listeners() -> None:
    """Two nights of 400 listeners each without a listener in common: the variances of two means of 400, added, by 4."""
    first, second = night(np.arange(400), 1), night(np.arange(400, 800), 2)
    variances = [np.var(each[1] - each[2], ddof=1) / 400 for each in (first, second)]
    assert pooled([first, second]).se == pytest.approx(math.sqrt(sum(variances) / 4), rel=1e-3)
    assert pooled([first, second]).delta == pytest.approx((alone(first).delta + alone(second).delta) / 2)


def test_listeners_are_clusters_as_in_ordinary_least_squares() -> None:
    """By hand from the sandwich formula: nights of the same listeners, whose differences share a part."""
    rng = np.random.default_rng(3)
    people, lasting = np.arange(300), rng.normal(0, 0.05, 300)
    nights = []
    for seed in range(4):
        _, challenger, champion = night(people, seed)
        nights.append((people, challenger + lasting, champion))
    differences = np.stack([each[1][0] - each[2][0] for each in nights])  # (4 nights, 300 listeners)
    means = differences.mean(axis=0)  # a listener's mean: with all nights there for all, the clusters' means
    assert pooled(nights).se == pytest.approx(means.std(ddof=1) / math.sqrt(300))
    naive = differences.std(ddof=1) / math.sqrt(differences.size)
    assert pooled(nights).se > 1.3 * naive


def test_each_nights_fits_have_luck_of_their_own() -> None:
    """ŝ² = 1e-4 in both, three fits and then two: (1/3 + 1/2) · 1e-4 / 4 for each of the two."""
    seeds = SeedVariance(1e-4, 4.0, 1e-4)
    found = pooled([night(np.arange(300), 1, n_fits=3), night(np.arange(300), 2, n_fits=2)], seeds)
    assert found.se_fits == pytest.approx(math.sqrt(2 * (1 / 3 + 1 / 2) * 1e-4 / 4))


def test_whoever_comes_and_goes_counts_on_the_nights_they_were_there() -> None:
    """2,000 horizons of three nights: the interval holds the truth as often as it says."""
    rng, held, n_draws = np.random.default_rng(4), 0, 2000
    for _ in range(n_draws):
        lasting, nights = rng.normal(0, 0.03, 120), []
        for _night in range(3):
            people = np.flatnonzero(rng.random(120) < 0.7)
            noise = rng.normal(0, 0.04, len(people))
            nights.append((people, np.array([0.1 + lasting[people] + noise]), np.full((1, len(people)), 0.1)))
        low, high = pooled(nights).interval()
        held += low <= 0 <= high
    assert 0.93 <= held / n_draws <= 0.97
