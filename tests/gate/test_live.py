"""Experiments in the gate: the belief that they change, the challengers that they prove and stop."""

import json
import math
from dataclasses import replace

import pytest

from pipeline.gate.decision import Verdict, decide
from pipeline.gate.listening import Listening, trusted, withheld_of
from pipeline.gate.live import live_of
from pipeline.gate.record_reader import parse_record
from pipeline.gate.valuation import believed, believed_effect, combined, needed_gain, net_benefits, probability
from pipeline.gate.verdict_sentence import sentence
from pipeline.nightly.explain import explained
from pipeline.reports.render import render
from tests.gate.gate_stories import PARAMS, candidate, economics, gate, tonight
from tests.gate.made_records import FULL, record
from tests.online.test_worth import result

RICH = {"margin_per_listener_day": 10.0}


def split(**changes):
    return result(**({"id": "split-1", "design": "split", "offline_gain": 0.9, "effect_df": None} | changes))


def night_of(*experiments, mean=0.2, seed=0, **more):
    return replace(
        tonight(candidate("popular", 0.1), candidate("als", mean, seed=seed)), experiments=experiments, **more
    )


def als(decision):
    return next(u for u in decision.upgrades if u.recipe == "als")


def test_an_online_loss_beats_an_offline_gain():
    """als doubles NDCG for sure and a listener is worth 10 EUR a day; but 1 % fewer plays are shown, ± .4 %."""
    before = decide(night_of(), gate(), economics(**RICH))
    after = decide(night_of(split(effect=-0.01)), gate(), economics(**RICH))
    assert (before.verdict, after.verdict) == (Verdict.PROMOTE, Verdict.KEEP)
    assert als(after).live.shows_loss
    assert "listeners are shown to play less with it" in sentence(after, economics(), 20)


def test_a_loss_that_may_be_chance_does_not_stop_it():
    after = decide(night_of(split(effect=-0.001)), gate(), economics(**RICH))
    assert not als(after).live.shows_loss


def test_an_ended_experiment_proves_what_the_log_cannot():
    """On the log als looks .5 % worse, for sure; 2 % more plays are proven, 5 standard errors, α / M needs 2.6."""
    worse = {"mean": 0.0995}
    assert decide(night_of(**worse), gate(max_slice_loss=1.0), economics(**RICH)).verdict is Verdict.KEEP
    found = decide(night_of(split(effect=0.02), **worse), gate(max_slice_loss=1.0), economics(**RICH))
    running = decide(night_of(split(effect=0.02, state="running"), **worse), gate(), economics(**RICH))
    assert als(found).balance.gain_proven
    assert not als(running).balance.gain_proven


def test_guardrails_of_a_shaped_log_do_not_outweigh_an_experiment():
    """als looks 5 % worse on the log; slices and the served list would stop it. 2 % more plays are proven."""
    served = {"served_recipe": "popular", "served": candidate("popular", 0.1)}
    worse = {"mean": 0.095, **served}

    def stops(night):
        return {g.name for g in als(decide(night, gate(), economics(**RICH))).gates if g.passed is False}

    by_the_log = {"slice_heavy", "slice_light", "slice_new", "not_worse_than_served"}
    shaping = Listening(1000, 100, 400)
    assert stops(night_of(split(effect=0.02), **worse)) >= by_the_log
    assert stops(night_of(listening=shaping, **worse)) >= by_the_log
    assert not stops(night_of(split(effect=0.02), listening=shaping, **worse)) & by_the_log


def test_the_effect_is_of_the_challenger_whichever_arm_it_was():
    turned = split(control="treatment", treatment="control", effect=-0.02)
    assert live_of("als", "popular", [turned]).effect == 0.02
    assert live_of("als", "item_knn", [turned]) is None
    assert live_of("als", "popular", [split(state="invalid")]) is None


def test_two_experiments_are_pooled_by_their_precision():
    """SEs of .004 and .008 have weights of 4 to 1."""
    pooled = live_of("als", "popular", [split(effect=0.01), split(id="split-2", effect=0.02, effect_se=0.008)])
    assert pooled.effect == pytest.approx((4 * 0.01 + 0.02) / 5)
    assert pooled.se == pytest.approx(1 / math.sqrt(1 / 0.004**2 + 1 / 0.008**2))
    assert pooled.listeners == 1600


def test_log_and_experiment_are_multiplied():
    gain, assumed = believed(0.5, 0.05, 0.1), economics()
    live = live_of("als", "popular", [split(effect=-0.01)])
    mean, sd = believed_effect(gain, assumed)
    weight = (1 / sd**2) / (1 / sd**2 + 1 / 0.004**2)
    assert combined(mean, sd, live)[0] == pytest.approx(weight * mean - (1 - weight) * 0.01)
    free = replace(found_cost(), maintenance=0.0)
    drawn = net_benefits(gain, free, assumed, live)
    assert drawn.mean() == pytest.approx(20000 * 90 * 0.05 * combined(mean, sd, live)[0], rel=0.02)


def found_cost():
    from pipeline.gate.economics import Money

    return Money(0.0, 0.0, 0.0, 0.0, 500.0, 0.0)


def test_the_gain_that_would_have_been_needed_is_the_one_that_reaches_the_probability():
    gain, assumed = believed(0.5, 0.05, 0.1), economics()
    live = live_of("als", "popular", [split(effect=0.0045)])
    cheap = replace(found_cost(), maintenance=100.0)
    needed = needed_gain(gain, cheap, assumed, 0.8, live)
    assert -1 < needed < 10
    at = probability(net_benefits(replace(gain, measured=needed), cheap, assumed, live))
    assert at == pytest.approx(0.8, abs=0.01)


def test_an_experiment_may_settle_the_matter_whatever_the_log_says():
    lost = live_of("als", "popular", [split(effect=-0.05)])
    assert math.isnan(needed_gain(believed(0.5, 0.05, 0.1), found_cost(), economics(), 0.8, lost))


def holdback():
    """About two other recipes, so that it teaches ε and says nothing of als itself."""
    return result(effect=0.06, effect_se=0.002, arms=tuple(
        arm.model_copy(update={"recipe": recipe})
        for arm, recipe in zip(result().arms, ("recent", "item_knn"), strict=True)
    ))  # fmt: skip


def test_experiments_replace_the_belief_under_the_same_names_and_a_record_is_made_again_from_itself():
    from pipeline.gate.record import make_record
    from pipeline.gate.record_reader import inputs_from
    from tests.gate import made_records

    before, after = record(FULL), record(FULL, experiments=(holdback(),))
    assert "worth" not in before
    assert after["assumptions"] == before["assumptions"]
    assert after["worth"]["provenance"] == "measured"
    assert after["worth"]["listeners"] == 800
    learned = parse_record(after).economics.elasticity
    assert learned.median == after["worth"]["median"] > 0.08
    assert learned.high / learned.low < 3
    outlooks = [each["challengers"][0]["balance"]["outlook"] for each in (before, after)]
    assert outlooks[1]["mean"] != outlooks[0]["mean"]
    inputs = inputs_from(json.loads(json.dumps(after)))
    assert inputs.evidence.experiments == (holdback(),)
    assert make_record(inputs, made_records.arrays_of(FULL)) == after


def test_a_challengers_own_experiment_does_not_also_teach_what_a_gain_is_worth():
    """Else it would count twice."""
    own = split(effect=0.06, effect_se=0.002)
    without = decide(night_of(split(effect=0.06, effect_se=0.002, offline_gain=None)), gate(), economics())
    assert als(decide(night_of(own), gate(), economics())).balance == als(without).balance


def test_page_and_explain_say_what_was_learned():
    after = record(FULL, experiments=(holdback(),))
    page = render(after)
    assert "measured in experiments on this service, with 800 listeners" in page
    assert "What a gain is worth." in page
    assert explained(after) is not None


def test_the_next_experiment_is_proposed_where_it_is_worth_more_than_it_costs():
    """At 100,000 listeners a doubtful challenger is worth a trial; at a hundred nothing is."""
    means = {"popular": 0.1, "als": 0.1005}
    large = record(means, listeners=1_000_000)["challengers"][0]["prospect"]["experiment"]
    assert large["worth"] > large["cost"] >= 8 * 80
    assert "experiment" not in record(means, listeners=100)["challengers"][0]["prospect"]
    assert "experiment" not in record(means, listeners=1_000_000, trial=None)["challengers"][0]["prospect"]
    assert "The next experiment." in render(record(means, listeners=1_000_000))


def shaped_night(share, **more):
    return night_of(mean=0.095, listening=Listening(1000, round(1000 * share), 400), **more)


def test_above_the_bound_a_challenger_is_not_called_worse_by_the_raw_log_alone():
    found = decide(shaped_night(0.1), gate(), economics())
    assert not als(found).trusted
    text = sentence(found, economics(), 20)
    assert "worse in" not in text
    assert "no proof that it is worse" in text
    assert "10.0 % of the 1,000 discoveries" in found.notes[-1]
    below = decide(shaped_night(0.02), gate(), economics())
    assert als(below).trusted
    assert "worse in" in sentence(below, economics(), 20)


def test_withheld_pairs_may_tell_where_the_raw_log_may_not():
    pairs = result(id="withhold-1", design="withhold", effect=None, effect_se=None, offline_gain=0.05)
    found = decide(replace(shaped_night(0.1), experiments=(pairs,)), gate(), economics())
    assert als(found).withheld.gain == pytest.approx(0.05)
    assert "+5.0 % on withheld pairs" in sentence(found, economics(), 20)
    assert withheld_of("popular", "als", [pairs], log_is_shaped=True) is None
    shown = als(found).balance.outlook.mean
    assert shown > als(decide(shaped_night(0.1), gate(), economics())).balance.outlook.mean
    assert not als(decide(replace(shaped_night(0.01), experiments=(pairs,)), gate(), economics())).withheld.counts
    assert trusted(-0.1, None, als(found).withheld, log_is_shaped=True)


def test_a_bound_of_one_never_applies_and_neither_does_a_night_without_discoveries():
    everything = Listening(10, 10, 5)
    assert als(decide(night_of(mean=0.095, listening=everything), gate(max_list_caused_share=1.0), economics())).trusted
    assert als(decide(night_of(mean=0.095, listening=Listening(0, 0, 5)), gate(), economics())).trusted


def test_the_shipped_parameters_ask_for_experiments():
    assert PARAMS.economics.trial is not None
    assert PARAMS.gate.max_list_caused_share < 1
