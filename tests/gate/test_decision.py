"""Decisions on example nights; an invalid input is never promoted."""

import dataclasses
import json
import math
import os
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from pipeline.gate.candidates import COVERAGE, TOP_SHARE, Candidate, Tonight
from pipeline.gate.comparison import Comparison, SeedVariance
from pipeline.gate.decision import Decision, Verdict, decide, prospect
from pipeline.gate.sensitivity import PRICED, at
from pipeline.gate.spending import analysis_alpha
from pipeline.gate.verdict_sentence import sentence
from pipeline.json_values import as_json
from tests.gate.gate_stories import N, candidate, cells, economics, gate, night, tonight

RICH = {"margin_per_listener_day": 10.0}
"""A listener is worth so much that any proven gain pays."""


def verdict_of(night_of: Tonight, **money: Any) -> Decision:
    return decide(night_of, gate(), economics(**money))


def upgrade(decision: Decision, recipe: str) -> Any:
    return next(u for u in decision.upgrades if u.recipe == recipe)


def test_a_clear_gain_that_pays_is_promoted_over_the_popular_list() -> None:
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2)), **RICH)
    assert got.verdict is Verdict.PROMOTE
    assert (got.champion, got.challenger) == ("popular", "als")
    assert (got.serve_source, got.serve_recipe) == ("refit", "als")


def test_the_same_gain_is_kept_out_where_it_does_not_pay() -> None:
    """Every listener gains .1 of .1 for sure: worth N·H·r·ε·ln 2 = 624 EUR; C = 8 h · 80 + 20 h · 90/365 · 80."""
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2)), margin_per_listener_day=0.01)
    assert got.verdict is Verdict.KEEP
    assert (got.serve_source, got.serve_recipe) == ("refit", "popular")
    als = upgrade(got, "als")
    cost = 8 * 80 + 20 * 90 / 365 * 80
    worth = 20000 * 90 * 0.01 * 0.05 * math.log(2)
    assert als.balance.cost.total == pytest.approx(cost)
    # ε and hours are lognormal, so that P(NB > 0) = Φ(ln(worth / cost) / √(σ_ε² + σ_hours²)).
    spread = math.hypot(math.log(25) / 2, math.log(2)) / norm.ppf(0.95)
    chance = norm.cdf(math.log(worth / cost) / spread)
    assert als.balance.outlook.probability_of_benefit == pytest.approx(chance, abs=2e-3)
    assert als.balance.break_even_gain == pytest.approx(0.1 * (2 ** (cost / worth) - 1))
    assert als.balance.gain_proven
    assert all(g.passed for g in als.gates)


def test_of_several_that_pay_the_one_with_the_highest_net_benefit_is_promoted() -> None:
    recipes = [
        candidate("popular", 0.1),
        candidate("als", 0.2),
        candidate("item_knn", 0.1999),
        candidate("rp3beta", 0.15),
    ]
    got = verdict_of(tonight(*recipes))
    # als gains more, item_knn costs less to keep: 20 and 8 hours a year, 8 and 4 hours once.
    assert {u.recipe for u in got.upgrades if u.passes} == {"als", "item_knn", "rp3beta"}
    assert upgrade(got, "als").balance.outlook.mean < upgrade(got, "item_knn").balance.outlook.mean
    assert [u.recipe for u in got.upgrades if u.verdict is Verdict.PROMOTE] == ["item_knn"]
    assert got.challenger == "item_knn"
    assert got.upgrades[0].boundary == pytest.approx(norm.isf(analysis_alpha(0.05, 10)))


def test_any_proven_gain_pays_where_a_listener_is_dear_enough_and_no_unproven_one() -> None:
    dear = {"margin_per_listener_day": 1e9}
    assert verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.1001)), **dear).verdict is Verdict.PROMOTE
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.1001, seed=1)), **dear)
    assert got.verdict is Verdict.KEEP
    assert not upgrade(got, "als").balance.gain_proven
    assert upgrade(got, "als").balance.required_gain == 0


def test_a_cheaper_challenger_may_be_a_little_worse() -> None:
    served = {"served_recipe": "als", "served": candidate("als", 0.2)}
    recipes = [candidate("popular", 0.1), candidate("als", 0.2), candidate("item_knn", 0.1985)]
    got = verdict_of(tonight(*recipes, **served), maintenance_hours_per_year={"popular": 0, "als": 900, "item_knn": 8})
    knn = upgrade(got, "item_knn")
    assert knn.balance.saves
    assert knn.balance.required_gain == pytest.approx(-0.01 * 0.2)
    assert got.verdict is Verdict.PROMOTE
    assert got.challenger == "item_knn"
    assert "saves" in sentence(got, economics(), 10)


def test_a_recipe_below_the_popular_list_is_not_promoted_even_if_it_saves_money() -> None:
    served = {"served_recipe": "als", "served": candidate("als", 0.1)}
    recipes = [candidate("popular", 0.0999), candidate("als", 0.1), candidate("item_knn", 0.0998)]
    got = verdict_of(
        tonight(*recipes, **served), maintenance_hours_per_year={"popular": 900, "als": 900, "item_knn": 8}
    )
    assert [g.name for g in upgrade(got, "item_knn").gates if not g.passed] == ["beats_popular"]
    assert got.verdict is Verdict.KEEP


GIB = 2.0**30


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        ({"n_invalid_lists": 1}, {"lists_valid"}),
        ({"coverage": 0.5 * 0.95 - 1e-9}, {"coverage"}),
        ({"top_share": 0.4 + 0.02 + 1e-9}, {"top_1_percent_share"}),
        ({"churn_between_fits": 0.51}, {"churn_between_fits"}),
        ({"night": night(cpu_seconds=601.0)}, {"cpu_seconds"}),
        ({"night": night(batch_seconds=14401.0)}, {"batch_seconds_limit"}),
        ({"night": night(peak_rss_bytes=4.1e9)}, {"memory"}),
        ({"night": night(peak_rss_bytes=4.1e10)}, {"memory", "memory_limit"}),
        ({"night": night(model_bytes=2.6e8)}, {"model_bytes"}),
        ({"night": night(model_bytes=1.7e10)}, {"model_bytes", "model_bytes_limit"}),
    ],
)
def test_each_guardrail_stops_a_challenger_that_would_pay(change: dict[str, Any], broken: set[str]) -> None:
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2, **change)), **RICH)
    assert got.verdict is Verdict.KEEP
    assert {g.name for g in upgrade(got, "als").gates if not g.passed} == broken
    assert all(g.margin < 0 for g in upgrade(got, "als").gates if not g.passed)
    for name in broken:
        assert name in sentence(got, economics(**RICH), 10)


def test_ratios_count_against_a_champion_of_some_cost() -> None:
    champion = candidate("popular", 0.1, night=night(cpu_seconds=1000.0))
    for seconds, passed in ((2000.0, True), (2000.1, False)):
        got = verdict_of(tonight(champion, candidate("als", 0.2, night=night(cpu_seconds=seconds))), **RICH)
        assert (got.verdict is Verdict.PROMOTE) == passed


def test_a_busy_machine_that_stretches_the_time_of_the_same_work_stops_nothing() -> None:
    """Elapsed times of identical work differed by more than 1.2 times in a third of pairs, and by up to 9 times."""
    champion = candidate("popular", 0.1, night=night(cpu_seconds=1000.0, batch_seconds=1000.0))
    slowed = night(cpu_seconds=1000.0, batch_seconds=9000.0)
    got = verdict_of(tonight(champion, candidate("als", 0.2, night=slowed)), **RICH)
    assert got.verdict is Verdict.PROMOTE


def test_a_slice_that_loses_more_than_three_percent_stops_the_challenger() -> None:
    members = np.arange(N) < 200
    ndcg = candidate("als", 0.2).ndcg.copy()
    ndcg[:, members] -= 0.2 - 0.0969  # from .1 to a loss of 3.1 %
    slices = {"light": members, "heavy": ~members, "new": ~members}
    got = verdict_of(
        tonight(candidate("popular", 0.1), candidate("als", 0.2, ndcg=ndcg), cells=cells(**slices)), **RICH
    )
    assert [g.name for g in upgrade(got, "als").gates if not g.passed] == ["slice_light"]


def test_a_slice_of_too_few_listeners_does_not_stop_what_it_cannot_judge() -> None:
    """Losses that differ from listener to listener show nothing among 20 of them; one listener is no slice."""
    few, one = np.arange(N) < 20, np.arange(N) < 1
    ndcg = candidate("als", 0.2).ndcg.copy()
    ndcg[0, few] = np.where(np.arange(20) % 2 == 0, 0.0, 0.18)
    slices = {"light": few, "heavy": ~few, "new": one}
    got = verdict_of(
        tonight(candidate("popular", 0.1), candidate("als", 0.2, ndcg=ndcg), cells=cells(**slices)), **RICH
    )
    gates = {g.name: g for g in upgrade(got, "als").gates}
    assert gates["slice_light"].margin < 0
    assert gates["slice_light"].passed is True
    assert gates["slice_light"].detectable > 0.03
    assert gates["slice_new"].passed is None
    assert gates["slice_heavy"].passed is True
    assert got.verdict is Verdict.PROMOTE


def test_too_few_listeners_are_invalid_and_the_popular_list_is_kept() -> None:
    five = {r: candidate(r, m, ndcg=np.full((1, 5), m)) for r, m in (("popular", 0.1), ("als", 0.9))}
    got = verdict_of(tonight(*five.values(), cells=cells(5)), **RICH)
    assert got.verdict is Verdict.INVALID
    assert (got.serve_source, got.serve_recipe) == ("refit", "popular")
    assert sentence(got, economics(), 10) == (
        "INVALID: 5 listeners can be scored, 500 are needed; the popular list is kept."
    )


def test_the_served_recipe_is_the_champion_and_is_refreshed() -> None:
    served = {"served_recipe": "als", "served": candidate("als", 0.199, night=None)}
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2), **served))
    assert got.champion == "als"
    assert got.refresh is not None
    assert got.refresh.verdict is Verdict.PROMOTE
    assert (got.verdict, got.serve_source, got.serve_recipe) == (Verdict.KEEP, "refit", "als")
    assert "als is refreshed" in sentence(got, economics(), 10)


def test_a_worse_refresh_keeps_the_served_model() -> None:
    served = {"served_recipe": "als", "served": candidate("als", 0.21, night=None)}
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2), **served))
    assert got.refresh is not None
    assert got.refresh.verdict is Verdict.KEEP
    assert (got.serve_source, got.serve_recipe) == ("served", "als")
    assert "stays as served" in sentence(got, economics(), 10)


def test_a_refresh_is_refused_only_if_it_is_shown_to_be_more_than_one_percent_worse() -> None:
    for fresh, passed in ((0.1981, True), (0.1979, False)):
        served = {"served_recipe": "als", "served": candidate("als", 0.2, night=None)}
        got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", fresh), **served))
        assert got.refresh is not None
        assert (got.refresh.verdict is Verdict.PROMOTE) == passed


def test_a_refresh_that_changes_half_of_the_lists_is_not_served() -> None:
    served = {"served_recipe": "als", "served": candidate("als", 0.2, night=None)}
    for churn, passed in ((0.5, True), (0.51, False)):
        fresh = candidate("als", 0.2, churn_since_served=churn)
        got = verdict_of(tonight(candidate("popular", 0.1), fresh, **served))
        assert got.refresh is not None
        assert (got.refresh.verdict is Verdict.PROMOTE) == passed


def test_a_slice_that_is_missing_is_invalid() -> None:
    whole = cells()
    part = dataclasses.replace(whole, slices={name: whole.slices[name] for name in ("light", "heavy")})
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2), cells=part), **RICH)
    assert (got.verdict, got.faults) == (Verdict.INVALID, ("the slice new is missing",))
    assert (got.serve_source, got.serve_recipe) == ("refit", "popular")


def test_of_two_with_the_same_net_benefit_the_first_in_params_yaml_is_promoted() -> None:
    tied = [candidate("item_knn", 0.2), candidate("rp3beta", 0.2)]
    for first, second in (tied, tied[::-1]):
        got = verdict_of(tonight(candidate("popular", 0.1), first, second), **RICH)
        assert (got.verdict, got.challenger) == (Verdict.PROMOTE, first.recipe)


def test_a_served_recipe_that_no_longer_exists_makes_the_popular_list_champion() -> None:
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.2), served_recipe="gone"), **RICH)
    assert got.champion == "popular"
    assert "gone is not in params.yaml" in got.notes[0]
    assert got.refresh is None


def test_without_challengers_the_popular_list_is_kept() -> None:
    got = verdict_of(tonight(candidate("popular", 0.1)))
    assert got.verdict is Verdict.KEEP
    assert sentence(got, economics(), 10) == "KEPT popular: there is no challenger."


def test_of_several_that_are_not_promoted_the_sentence_names_the_most_accurate() -> None:
    gains = {"popular": 0.1, "als": 0.2, "item_knn": 0.199, "rp3beta": 0.15}
    served = {"served_recipe": "als", "served": candidate("als", 0.2, night=None)}
    got = verdict_of(tonight(*(candidate(recipe, mean) for recipe, mean in gains.items()), **served))
    assert (got.verdict, got.challenger) == (Verdict.KEEP, "item_knn")


def test_identical_recipes_are_not_promoted() -> None:
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.1)), **RICH)
    assert got.verdict is Verdict.KEEP


def test_a_sentence_says_what_is_gained_what_it_costs_and_what_would_turn_it() -> None:
    """als costs 20 h of 80 EUR a year, and 8 h once."""
    assumed, night_of = economics(), tonight(candidate("popular", 0.1), candidate("als", 0.2))
    got = decide(night_of, gate(), assumed)
    als = upgrade(got, "als")
    found = prospect(als, (night_of.candidates["als"], night_of.candidates["popular"]), gate(), assumed)
    listeners = next(flip.flips_at for flip in found.flips if flip.price == "listeners")
    look = als.balance.outlook
    assert sentence(got, assumed, 10, {"als": found}) == (
        "PROMOTED als over popular: it is 100.0 % better in NDCG@10 (95 % interval 100.0 to 100.0 %) and costs "
        f"{20 * 80 / 12:,.0f} EUR a month and 640 EUR once; it pays with a probability of "
        f"{100 * look.probability_of_benefit:.0f} % (80 % is required), and its expected net benefit over 90 days is "
        f"{look.mean:,.0f} EUR; it would not pay below {float(f'{listeners:.2g}'):,.0f} listeners."
    )


def test_where_no_price_changes_a_verdict_it_is_said_in_words() -> None:
    """No price makes a loss tolerable where a switch saves nothing."""
    served = {"served_recipe": "als", "served": candidate("als", 0.1)}
    night_of = tonight(
        candidate("popular", 0.05), candidate("als", 0.1), candidate("rp3beta", 0.1001, seed=1), **served
    )
    got = decide(night_of, gate(), economics())
    pair = night_of.candidates["rp3beta"], night_of.candidates["als"]
    found = prospect(upgrade(got, "rp3beta"), pair, gate(), economics())
    text = sentence(got, economics(), 10, {"rp3beta": found}).removesuffix(" als is refreshed with newer data.")
    assert text.endswith("; no single price changes this.")


def test_a_kept_challenger_is_told_why() -> None:
    got = verdict_of(tonight(candidate("popular", 0.1), candidate("als", 0.09)))
    text = sentence(got, economics(), 10)
    assert text.startswith("KEPT popular: als is 10.0 % worse in NDCG@10")
    assert "a gain is not proven" in text
    assert "costs 133 EUR a month and 640 EUR once" in text
    assert "beats_popular" in text


# Each of these changes something that the gate needs, and must not end in a promotion.
POISON = (math.nan, math.inf, -math.inf)


def poisoned(draw: st.DrawFn) -> Tonight:
    bad = draw(st.sampled_from(POISON))
    who = draw(st.sampled_from(["popular", "als", "item_knn"]))
    what = draw(
        st.sampled_from(
            ["ndcg", "range", "daily", "seeds", "coverage", "top_share", "night", "no_night", "missing", "slice",
             "shape", "served", "fault", "empty"]
        )
    )  # fmt: skip
    recipes = {r: candidate(r, m) for r, m in (("popular", 0.1), ("als", 0.3), ("item_knn", 0.2))}
    hit = recipes[who]
    changes: dict[str, Any] = {}
    ndcg = hit.ndcg.copy()
    match what:
        case "ndcg":
            ndcg[0, draw(st.integers(0, N - 1))] = bad
            recipes[who] = dataclasses.replace(hit, ndcg=ndcg)
        case "range":
            ndcg[0, draw(st.integers(0, N - 1))] = draw(st.sampled_from([-1e-3, 1.001, 1e300]))
            recipes[who] = dataclasses.replace(hit, ndcg=ndcg)
        case "seeds":
            value, df = draw(st.sampled_from([(bad, 2.0), (-1.0, 2.0), (1e-6, 0.0), (1e-6, math.nan)]))
            recipes[who] = dataclasses.replace(hit, seeds=SeedVariance(value, df))
        case "coverage" | "top_share":
            metric = {"coverage": COVERAGE, "top_share": TOP_SHARE}[what]
            value = draw(st.sampled_from([*POISON, -0.1, 1.1]))
            recipes[who] = dataclasses.replace(hit, metrics={**hit.metrics, metric: value})
        case "night":
            field = draw(st.sampled_from([f.name for f in dataclasses.fields(night())]))
            value = draw(st.sampled_from([*POISON, -1.0])) if field != "n_listeners" else 0
            recipes[who] = dataclasses.replace(hit, night=dataclasses.replace(night(), **{field: value}))
        case "no_night":
            recipes[who] = dataclasses.replace(hit, night=None)
        case "missing":
            changes["candidates"] = {r: c for r, c in recipes.items() if r != who}
        case "slice":
            members, whole = np.ones(N, dtype=np.bool_), cells()
            slices = draw(st.sampled_from([{}, {"light": members, "heavy": members}]))
            changes["cells"] = dataclasses.replace(whole, slices=slices)
        case "daily":
            daily = hit.daily * draw(st.sampled_from([*POISON, 0.5]))
            recipes[who] = dataclasses.replace(hit, daily=daily)
        case "shape":
            short = draw(st.sampled_from([hit.ndcg[:, :-1], hit.ndcg[:0], hit.ndcg[0]]))
            recipes[who] = dataclasses.replace(hit, ndcg=short)
        case "served":
            stale = dataclasses.replace(hit, ndcg=np.full((1, N), bad))
            changes |= {"served_recipe": "als", "served": draw(st.sampled_from([None, stale]))}
        case "fault":
            changes["faults"] = ("als cannot be read",)
        case "empty":
            changes |= {"candidates": {}}
    return tonight(*recipes.values(), **changes)


def test_the_night_of_the_fuzz_test_is_promoted_without_a_fault() -> None:
    recipes = [candidate("popular", 0.1), candidate("als", 0.3), candidate("item_knn", 0.2)]
    assert verdict_of(tonight(*recipes), **RICH).verdict is Verdict.PROMOTE


FUZZ = int(os.environ.get("NETGAIN_FUZZ", "400"))


@settings(max_examples=FUZZ, deadline=None)
@given(st.composite(poisoned)())
def test_whatever_is_missing_not_finite_or_out_of_range_is_invalid_and_still_written_as_json(case: Tonight) -> None:
    """What only a challenger lacks costs it its place, with a reason; anything else makes the night INVALID."""
    got = verdict_of(case, **RICH)
    if got.verdict is Verdict.INVALID:
        assert got.faults
        served = case.served_recipe
        assert (got.serve_source, got.serve_recipe) == ("refit" if served is None else "served", served or got.champion)
        assert sentence(got, economics(), 10).startswith("INVALID: ")
    else:
        assert len(got.left_out) == 1
        assert {got.challenger} | set(got.left_out) == {"als", "item_knn"}
        assert got.challenger not in got.left_out
    json.dumps(as_json(got), allow_nan=False)


@settings(max_examples=FUZZ // 4, deadline=None)
@given(
    st.sampled_from([*PRICED, "listeners", "horizon_days"]),
    st.sampled_from(POISON),
    st.integers(0, 2**32 - 1),
)
def test_an_assumption_that_is_no_number_is_invalid(price: str, bad: float, seed: int) -> None:
    """Such parameters are refused where they are read; should one come through, nothing is promoted."""
    rng = np.random.default_rng(seed)
    recipes = [candidate("popular", 0.1), candidate("als", 0.3, ndcg=0.2 + 0.2 * rng.random((3, N)))]
    assumed = economics(**RICH)
    assumed = at(assumed, price, bad) if price in PRICED else assumed.model_copy(update={price: bad})
    got = decide(tonight(*recipes), gate(), assumed)
    assert got.verdict is not Verdict.PROMOTE
    if math.isnan(bad):
        assert "not finite" in got.left_out["als"]


@settings(max_examples=FUZZ // 2, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1e-2))
def test_every_promotion_satisfies_all_conditions(seed: int, better: float, share: float, luck: float) -> None:
    rng = np.random.default_rng(seed)
    als = candidate("als", 0.1, ndcg=rng.random((3, N)) * better, top_share=share, seeds=SeedVariance(luck, 4.0))
    got = verdict_of(tonight(candidate("popular", 0.1), als), **RICH)
    if got.verdict is Verdict.PROMOTE:
        found = upgrade(got, "als")
        assert found.balance.outlook.probability_of_benefit >= 0.8
        assert found.lower_bound > 0
        assert all(g.passed is not False for g in found.gates)


def test_values_of_the_gate_are_immutable() -> None:
    for kind in (Candidate, Tonight, Decision, Comparison):
        assert kind.__dataclass_params__.frozen  # type: ignore[attr-defined]
