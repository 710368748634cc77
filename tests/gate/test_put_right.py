"""What an audit of the gate found, a test for each finding, named for what holds now.

The eleventh is held by tests/state/test_ledger.py, the fifteenth by tests/calibration.
"""

import dataclasses
import datetime as dt
import math

import numpy as np
import pytest

from pipeline.gate.champion import ChampionDefinition
from pipeline.gate.comparison import EarlierSeeds, seed_variance
from pipeline.gate.decision import Verdict, decide
from pipeline.gate.pooling import PairNight, pair_night
from pipeline.gate.refresh import CHAIN, REFRESH
from pipeline.gate.spending import Clock, Entrant, History, clocks
from pipeline.gate.verdict_sentence import sentence
from tests.gate.gate_stories import DAYS, PARAMS, N, candidate, cells, economics, gate, tonight

RICH = economics(margin_per_listener_day=10.0)


def served(mean: float, recipe: str = "als") -> dict[str, object]:
    return {"served_recipe": recipe, "served": candidate(recipe, mean, night=None)}


def pooled(n_nights: int, gain: float, base: float = 0.1) -> tuple[tuple[PairNight, ...], np.ndarray]:
    """Earlier nights of als over the popular list, each of a certain relative gain, on days of their own."""
    nights, rows = [], []
    for night in range(n_nights):
        window = tuple((dt.date(2026, 1, 1) + dt.timedelta(days=night + each)).isoformat() for each in range(7))
        better = candidate("als", base * (1 + gain))
        found, influences = pair_night(
            better.sample, candidate("popular", base).sample, dataclasses.replace(cells(), days=window), window[0]
        )
        nights.append(found)
        rows.append(influences)
    return tuple(nights), np.stack(rows)


def test_01_a_challenger_is_held_against_what_is_served() -> None:
    """Bad data halve every fresh fit: served .089, champion .045, challenger .053, better than the champion."""
    night = tonight(candidate("popular", 0.02), candidate("als", 0.045), candidate("item_knn", 0.053), **served(0.089))
    got = decide(night, gate(), RICH)
    assert (got.verdict, got.serve_source, got.serve_recipe) == (Verdict.KEEP, "served", "als")
    knn = next(u for u in got.upgrades if u.recipe == "item_knn")
    assert [g.name for g in knn.gates if g.passed is False] == ["not_worse_than_served"]


def test_02_an_invalid_night_leaves_what_is_served_and_one_bad_challenger_is_left_out() -> None:
    few = {r: candidate(r, m, ndcg=np.full((1, 400), m)) for r, m in (("popular", 0.02), ("als", 0.045))}
    was = dataclasses.replace(candidate("als", 0.089, ndcg=np.full((1, 400), 0.089)), night=None)
    got = decide(tonight(*few.values(), cells=cells(400), served_recipe="als", served=was), gate(), RICH)
    assert (got.verdict, got.serve_source, got.serve_recipe) == (Verdict.INVALID, "served", "als")
    broken = candidate("item_knn", 0.5, ndcg=np.full((1, N), math.nan), daily=np.zeros((len(DAYS), N)))
    got = decide(tonight(candidate("popular", 0.1), candidate("als", 0.2), broken), gate(), RICH)
    assert (got.verdict, got.challenger) == (Verdict.PROMOTE, "als")
    assert got.left_out == {"item_knn": "item_knn has NDCG that is not between 0 and 1"}


def test_03_the_best_of_many_experiments_is_judged_on_days_that_none_of_them_read() -> None:
    """A hundred variants of no gain, tried on the week that ends tonight; the best enters. Here it is 30 % better by
    luck, on that week. It waits until no day of that week is in the decision window."""
    entry = {"as_of": "2026-02-11", "inputs": "a", "definitions": {"als": "d"}, "pairs": {}}
    known = clocks(
        [entry],
        {"als": Entrant("als/popular", "d"), "lucky": Entrant("lucky/popular", "new")},
        as_of=dt.date(2026, 2, 12),
        inputs="b",
        decision_from=dt.date(2026, 2, 5),
        max_entrants=10,
    )
    night = tonight(candidate("popular", 0.1), candidate("lucky", 0.13, family="als"), history=History(clocks=known))
    got = decide(night, gate(), RICH)
    assert got.verdict is Verdict.KEEP
    assert got.upgrades[0].clock == Clock("waiting", until="2026-02-19")
    assert "it is judged from 2026-02-19 on" in sentence(got, RICH, 20)


def test_04_small_losses_add_up() -> None:
    """See tests/gate/test_refresh.py for a decay over many nights."""
    nights, rows = pooled(9, -0.005)
    lost = tuple(dataclasses.replace(night, served=True) for night in nights)
    night = tonight(
        candidate("popular", 0.02),
        candidate("als", 0.0995),
        **served(0.1),
        history=History("als", pairs={REFRESH: lost}),
        influence={REFRESH: rows},
    )
    got = decide(night, gate(), RICH)
    assert got.refresh is not None
    change = next(each for each in got.refresh.changes if each.what == CHAIN)
    assert change.change == pytest.approx(-0.05)
    assert (got.refresh.verdict, got.serve_source) == (Verdict.KEEP, "served")
    assert "someone should find out why" in sentence(got, RICH, 20)


def test_05_a_refresh_that_is_not_shown_to_be_worse_is_served() -> None:
    """A fit that is 1 % better, measured with a standard error of 1.6 %: it is not shown to be as good, nor worse."""
    rng = np.random.default_rng(1)
    noise = 0.26 * rng.uniform(-1.7, 1.7, N)
    fresh = candidate("als", 0.5, ndcg=(0.505 + noise - noise.mean())[None].clip(0))
    night = tonight(candidate("popular", 0.02), fresh, served_recipe="als", served=candidate("als", 0.5, night=None))
    got = decide(night, gate(), RICH)
    assert got.refresh is not None
    assert got.refresh.comparison.lower(0.05) < -0.01 * 0.5
    assert (got.refresh.verdict, got.serve_source) == (Verdict.PROMOTE, "refit")


def test_06_another_definition_under_the_champions_name_is_a_challenger() -> None:
    """als with other factors: the one that was chosen is fitted beside it, under a name of its own."""
    night = tonight(
        candidate("popular", 0.02),
        candidate("als", 0.101, family="als"),
        candidate("als-champion", 0.1, family="als"),
        **served(0.1),
        champion=ChampionDefinition("als", "d", carried_as="als-champion"),
    )
    got = decide(night, gate(), economics(margin_per_listener_day=1e-6))
    assert (got.verdict, got.champion, got.serve_recipe) == (Verdict.KEEP, "als-champion", "als-champion")
    assert "als" in {u.recipe for u in got.upgrades}


def test_06_a_champion_whose_code_has_changed_stays_as_it_is_served() -> None:
    frozen = ChampionDefinition("als", "d", frozen=True)
    night = tonight(candidate("popular", 0.02), candidate("als", 0.1), **served(0.1), champion=frozen)
    standing = candidate(frozen.name, 0.1, family="als")
    night = dataclasses.replace(
        night, recipes=(*night.recipes, frozen.name), candidates={**night.candidates, frozen.name: standing}
    )
    got = decide(night, gate(), RICH)
    assert (got.verdict, got.champion) == (Verdict.KEEP, frozen.name)
    assert (got.serve_source, got.serve_recipe) == ("served", "als")


@pytest.mark.parametrize("n", [300, 1000])
def test_07_slices_stop_what_is_shown_to_harm_and_nothing_else(n: int) -> None:
    """A true gain of 5 % in every slice passes whatever its size; a true loss of 10 % does not."""
    rng = np.random.default_rng(n)
    members = np.arange(N) < n // 3
    for gain, passed in ((0.05, 0.9), (-0.1, 0.1)):
        stopped = 0
        for _ in range(40):
            base = 0.3 + 0.05 * rng.standard_normal(N)
            change = np.where(members, gain, 0.2) * base + 0.02 * rng.standard_normal(N)
            ndcg = (base + change).clip(0, 1)[None]
            night = tonight(
                candidate("popular", 0.3, ndcg=base.clip(0, 1)[None]),
                candidate("als", 0.3, ndcg=ndcg),
                cells=cells(light=members, heavy=~members, new=~members),
            )
            (als,) = decide(night, gate(), RICH).upgrades
            stopped += any(g.passed is False for g in als.gates if g.name == "slice_light")
        assert (1 - stopped / 40 >= passed) if gain > 0 else (1 - stopped / 40 <= passed)


def test_08_one_poor_fit_is_in_the_standard_error() -> None:
    taste = np.linspace(0.05, 0.15, N)
    fits = np.array([taste, taste, 0.8 * taste])
    luck = seed_variance(fits, deterministic=False, earlier=[EarlierSeeds(1e-5, 2.0, 1e-5)] * 60)
    champion = candidate("als", 0.1, ndcg=fits, seeds=luck)
    equal = candidate("item_knn", 0.1, ndcg=taste[None])
    got = decide(tonight(candidate("popular", 0.02), champion, equal, **served(0.1)), gate(), RICH)
    assert got.verdict is Verdict.KEEP
    knn = next(u for u in got.upgrades if u.recipe == "item_knn")
    assert knn.comparison.se > 0.05 * knn.comparison.champion_mean


def test_09_what_all_listeners_share_on_a_day_is_in_the_standard_error() -> None:
    """Two good days of seven: every listener gains 15 % on them. Listeners alone would prove it."""
    base = candidate("popular", 0.1)
    daily = base.daily * np.array([1, 1, 1.15, 1, 1, 1.15, 1])[:, None]
    lucky = candidate("als", 0.1, ndcg=daily.sum(axis=0, keepdims=True), daily=daily)
    got = decide(tonight(base, lucky), gate(), RICH)
    (als,) = got.upgrades
    assert als.comparison.delta > 4 * als.comparison.se_listeners
    assert als.comparison.se_days > 10 * als.comparison.se_listeners
    assert got.verdict is Verdict.KEEP


def test_10_a_gain_that_has_gone_is_not_promoted() -> None:
    """+3 % on 21 nights; tonight −2 %, by every listener."""
    nights, rows = pooled(21, 0.03)
    night = tonight(
        candidate("popular", 0.1),
        candidate("als", 0.098),
        history=History(clocks={"als": Clock("running", 22)}, pairs={"als": nights}),
        influence={"als": rows},
    )
    got = decide(night, gate(), RICH)
    (als,) = got.upgrades
    assert als.lower_bound > 0
    assert got.verdict is Verdict.KEEP
    assert {g.name for g in als.gates if g.passed is False} >= {"tonight_agrees"}


def test_12_the_required_gain_does_not_jump_where_cost_crosses_zero() -> None:
    found = []
    for hours in (19.999, 20.0, 20.001):
        assumed = economics(
            switching_hours={"als": 0.0, "item_knn": 0.0, "popular": 0.0},
            maintenance_hours_per_year={"als": 20.0, "item_knn": hours, "popular": 0.0},
        )
        night = tonight(candidate("popular", 0.02), candidate("als", 0.1), candidate("item_knn", 0.1), **served(0.1))
        knn = next(u for u in decide(night, gate(), assumed).upgrades if u.recipe == "item_knn")
        found.append(knn.balance.required_gain / knn.comparison.champion_mean)
    assert found == pytest.approx([0, 0, 0], abs=2e-5)


def test_13_a_challenger_that_enters_late_has_a_clock_of_its_own() -> None:
    entries = [
        {
            "as_of": (dt.date(2026, 1, 2) + dt.timedelta(days=night)).isoformat(),
            "inputs": "a",
            "definitions": {"als": "d"} | ({"late": "l"} if night > 50 else {}),
            "pairs": {"als": {"key": "als", "clock": {"status": "running", "analysis": min(night + 1, 28)}}},
        }
        for night in range(60)
    ]
    known = clocks(
        entries,
        {"als": Entrant("als", "d"), "late": Entrant("late", "l")},
        as_of=dt.date(2026, 3, 3),
        inputs="b",
        decision_from=dt.date(2026, 2, 24),
        max_entrants=10,
    )
    assert known["als"].status == "spent"
    assert known["late"] == Clock("running", 1)


def test_14_recipes_are_judged_at_the_length_that_is_served() -> None:
    assert PARAMS.evaluation.k == PARAMS.lists.n_items == 20
