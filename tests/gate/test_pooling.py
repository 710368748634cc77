"""Nights of the same pair, pooled by groups of listeners."""

import math

import numpy as np
import pytest

from pipeline.gate.comparison import DETERMINISTIC, Comparison, SeedVariance, compare
from pipeline.gate.groups import N_GROUPS, group_of
from pipeline.gate.pooling import PARTS, Cells, Earlier, Sample, pair_night

Floats = np.ndarray
Night = tuple[Floats, Floats, Floats]
DAYS = ("2026-02-01", "2026-02-02")


def cells(people: Floats) -> Cells:
    everyone = np.ones(len(people), np.bool_)
    return Cells(
        DAYS, people.astype(np.int16) % N_GROUPS, {"light": people % 2 == 0, "heavy": everyone, "new": everyone}
    )


def sample(values: Floats) -> Sample:
    """Half of the figures on each of two days, so that days do not differ."""
    return Sample(values, np.tile(values.mean(axis=0) / 2, (2, 1)))


def pooled(nights: list[Night], seeds: SeedVariance = DETERMINISTIC, **more: str) -> Comparison:
    """The last night's comparison, pooled with those before: listeners' numbers, challenger and champion by fits."""
    *before, (people, challenger, champion) = nights
    known = [pair_night(sample(theirs), sample(ours), cells(who), "") for who, theirs, ours in before]
    earlier = Earlier(tuple(n for n, _ in known), np.stack([rows for _, rows in known])) if known else None
    return compare(
        sample(challenger),
        sample(champion),
        cells(people),
        challenger_seeds=seeds,
        champion_seeds=seeds,
        earlier=earlier,
        **more,
    )


def night(people: Floats, seed: int, *, gain: float = 0.01, n_fits: int = 1) -> Night:
    rng = np.random.default_rng(seed)
    champion = rng.uniform(0, 0.2, (n_fits, len(people)))
    return people, champion + gain + rng.normal(0, 0.05, champion.shape), champion


def test_the_same_plays_seen_twice_prove_no_more() -> None:
    once = night(np.arange(500), 1)
    twice = pooled([once, once, once])
    assert twice.n_nights == 3
    assert (twice.delta, twice.se_listeners, twice.champion_mean) == pytest.approx(
        (pooled([once]).delta, pooled([once]).se_listeners, pooled([once]).champion_mean)
    )


def test_other_listeners_prove_as_much_as_more_listeners() -> None:
    """Two nights of 400 listeners each who have nobody in common: the variances of two means of 400, added, by 4."""
    first, second = night(np.arange(400), 1), night(np.arange(400, 800), 2)
    variances = [np.var(each[1] - each[2], ddof=1) / 400 for each in (first, second)]
    assert pooled([first, second]).se_listeners == pytest.approx(math.sqrt(sum(variances) / 4), rel=2e-3)
    assert pooled([first, second]).delta == pytest.approx((pooled([first]).delta + pooled([second]).delta) / 2)


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
    assert pooled(nights).se_listeners == pytest.approx(means.std(ddof=1) / math.sqrt(300))
    naive = differences.std(ddof=1) / math.sqrt(differences.size)
    assert pooled(nights).se_listeners > 1.3 * naive


def test_groups_of_many_listeners_estimate_what_single_listeners_do() -> None:
    """20 listeners to a group: the variance of a sum over nights is found to within its error, √(2 / 1024)."""
    people = np.arange(20 * N_GROUPS)
    rng = np.random.default_rng(7)
    lasting = rng.normal(0, 0.05, len(people))
    nights = [(p, c + lasting, d) for p, c, d in (night(people, seed) for seed in range(3))]
    means = np.stack([each[1][0] - each[2][0] for each in nights]).mean(axis=0)
    exact = means.std(ddof=1) / math.sqrt(len(people))
    assert pooled(nights).se_listeners == pytest.approx(exact, rel=4 * math.sqrt(0.5 / N_GROUPS))


def test_each_nights_fits_have_luck_of_their_own() -> None:
    """ŝ² = 1e-4 in both, three fits and then two: (1/3 + 1/2) · 1e-4 / 4 for each of the two."""
    seeds = SeedVariance(1e-4, 4.0, 1e-4)
    found = pooled([night(np.arange(300), 1, n_fits=3), night(np.arange(300), 2, n_fits=2)], seeds)
    assert found.se_fits == pytest.approx(math.sqrt(2 * (1 / 3 + 1 / 2) * 1e-4 / 4))


def test_a_slice_is_pooled_over_its_own_listeners() -> None:
    nights = [night(np.arange(600), seed) for seed in (1, 2)]
    light = [(people[::2], challenger[:, ::2], champion[:, ::2]) for people, challenger, champion in nights]
    found, alone = pooled(nights, part="light"), pooled(light)
    assert (found.delta, found.champion_mean, found.n) == pytest.approx((alone.delta, alone.champion_mean, 300))
    assert found.se_listeners == pytest.approx(alone.se_listeners)


def test_whoever_comes_and_goes_counts_on_the_nights_they_were_there() -> None:
    """1,500 horizons of three nights: the interval holds the truth as often as it says."""
    rng, held, n_draws = np.random.default_rng(4), 0, 1500
    for _ in range(n_draws):
        lasting, nights = rng.normal(0, 0.03, 120), []
        for _night in range(3):
            people = np.flatnonzero(rng.random(120) < 0.7)
            noise = rng.normal(0, 0.04, len(people))
            nights.append((people, np.array([0.1 + lasting[people] + noise]), np.full((1, len(people)), 0.1)))
        found = pooled(nights)
        held += abs(found.delta) <= 1.97 * found.se_listeners
    assert 0.93 <= held / n_draws <= 0.97


def test_a_listener_is_in_the_same_group_on_every_machine() -> None:
    assert group_of(["ann", "bob", "Zoë"]).tolist() == [627, 320, 554]
    found = np.bincount(group_of(f"L{i:06d}" for i in range(100_000)), minlength=N_GROUPS)
    assert found.min() > 50
    assert len(PARTS) == 4
