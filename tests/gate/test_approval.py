"""A promotion that waits for a person: kept until it is answered, and made again from its record."""

from dataclasses import replace
from typing import Any

import pytest

from pipeline.gate.decision import Decision, Verdict, decide
from pipeline.gate.record import Inputs, make_record
from pipeline.gate.record_reader import inputs_from, parse_record
from pipeline.gate.spending import Approval, History
from pipeline.gate.verdict_sentence import sentence
from pipeline.reports.render import render
from tests.gate import made_records
from tests.gate.gate_stories import candidate, economics, gate, tonight
from tests.gate.made_records import FULL

RICH = {"margin_per_listener_day": 10.0}
YES, NO = (Approval("als", "Ada", "the campaign is over", granted) for granted in (True, False))


def decided(answer: Approval | None = None, *, approval: str = "promote", mean: float = 0.2) -> Decision:
    night = tonight(candidate("popular", 0.1), candidate("als", mean), history=History(approval=answer))
    return decide(night, gate(approval=approval), economics(**RICH))


def test_without_an_answer_the_champion_is_kept_and_the_sentence_says_what_waiting_costs() -> None:
    """20,000 listeners · 10 EUR: what als is expected to bring a day is what a night of waiting costs."""
    got = decided()
    assert (got.verdict, got.challenger, got.serve_recipe) == (Verdict.KEEP, "als", "popular")
    assert got.approval is not None
    assert got.approval.cost_of_a_night == pytest.approx((got.approval.expected + 8 * 80) / 90)
    assert "waits for approval (netgain approve)" in sentence(got, economics(**RICH), 20)


def test_an_approval_promotes_and_a_refusal_keeps() -> None:
    approved, refused = decided(YES), decided(NO)
    assert (approved.verdict, approved.serve_recipe) == (Verdict.PROMOTE, "als")
    assert "Approved by Ada." in sentence(approved, economics(**RICH), 20)
    assert (refused.verdict, refused.serve_recipe) == (Verdict.KEEP, "popular")
    assert "Ada has refused it (the campaign is over)" in sentence(refused, economics(**RICH), 20)


def test_an_answer_about_another_recipe_is_none() -> None:
    other = decided(replace(YES, recipe="rp3beta"))
    assert other.verdict is Verdict.KEEP
    assert other.approval is not None
    assert other.approval.answer is None


def test_an_approval_does_not_promote_what_does_not_pass() -> None:
    got = decided(YES, mean=0.1001)
    poor = decide(
        tonight(candidate("popular", 0.1), candidate("als", 0.09), history=History(approval=YES)),
        gate(approval="promote"),
        economics(**RICH),
    )
    assert got.approval is None or got.verdict is Verdict.PROMOTE
    assert (poor.verdict, poor.approval) == (Verdict.KEEP, None)


def test_by_default_nobody_is_asked() -> None:
    got = decided(approval="none")
    assert (got.verdict, got.approval) == (Verdict.PROMOTE, None)


def made(history: History, **more: Any) -> dict[str, Any]:
    first = inputs_from(made_records.record(FULL, **RICH))
    inputs = replace(
        first, gate=gate(approval="promote"), written={}, evidence=replace(first.evidence, history=history), **more
    )
    assert isinstance(inputs, Inputs)
    return make_record(inputs, made_records.arrays_of(FULL))


def test_question_and_answer_are_in_the_record_which_is_made_again_from_itself() -> None:
    for history, verdict in ((History(), "KEEP"), (History(approval=replace(YES, recipe="als")), "PROMOTE")):
        record = made(history)
        assert record["verdict"] == verdict
        assert parse_record(record).approval is not None
        assert make_record(inputs_from(record), made_records.arrays_of(FULL)) == record
        assert render(record)
    assert "approval" not in made_records.record(FULL)
    assert "approval" not in made_records.record(FULL)["evidence"]["history"]
