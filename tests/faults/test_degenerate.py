"""Models that learnt nothing: the gate keeps each out for a reason that it names; the audit stops lists that break a
promise, and leaves the question whether they are any good to the gate."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ValidationFailed
from pipeline.gate.candidates import Candidate, Tonight
from pipeline.gate.decision import Verdict
from pipeline.stages import audit
from tests.faults.tally import Tally
from tests.gate.gate_stories import candidate, tonight
from tests.gate.test_decision import RICH, upgrade, verdict_of
from tests.stages.test_audit import GOOD, context_of

FAULT = "degenerate model: {}"
POPULAR, SERVED = candidate("popular", 0.1), candidate("als", 0.2)


def with_served(*candidates: Candidate, **served: Any) -> Tonight:
    return tonight(*candidates, served_recipe="als", served=candidate("als", 0.2, night=None), **served)


@pytest.mark.parametrize(
    ("kind", "night", "broken"),
    [
        # As good as the popular list, for it ranks as that does: there is no gain to prove.
        ("constant", tonight(POPULAR, candidate("item_knn", 0.1)), set()),
        ("random", with_served(POPULAR, SERVED, candidate("item_knn", 0.02)), {"beats_popular"}),
        # Accurate beyond belief, and yet twenty items of a thousand are all that anybody would be shown.
        (
            "one list for all",
            tonight(POPULAR, candidate("item_knn", 0.3, coverage=0.02, top_share=1.0)),
            {"coverage", "top_1_percent_share"},
        ),
    ],
    ids=["constant", "random", "one list for all"],
)
def test_the_gate_keeps_a_degenerate_challenger_out(kind: str, night: Tonight, broken: set[str], tally: Tally) -> None:
    tally.injected(FAULT.format(kind))
    got = verdict_of(night, **RICH)
    assert got.verdict is Verdict.KEEP
    assert broken <= {gate.name for gate in upgrade(got, "item_knn").gates if gate.passed is False}
    assert got.serve_recipe != "item_knn"
    tally.recovered(FAULT.format(kind))


def test_a_fit_on_stale_plays_does_not_replace_what_is_served(tally: Tally) -> None:
    tally.injected(FAULT.format("stale"))
    got = verdict_of(with_served(POPULAR, candidate("als", 0.15)))
    assert got.refresh is not None
    assert got.refresh.verdict is Verdict.KEEP
    assert (got.serve_source, got.serve_recipe) == ("served", "als")
    tally.recovered(FAULT.format("stale"))


def test_lists_whose_scores_are_all_the_same_keep_every_promise_of_a_list(tmp_path: Path) -> None:
    constant = [(listener, rank, item, 0.5, reason) for listener, rank, item, _, reason in GOOD]
    assert audit.run(context_of(tmp_path, constant)).startswith("2 lists hold")


def test_one_list_for_all_is_stopped_where_somebody_has_heard_what_it_holds(tmp_path: Path) -> None:
    same = [(listener, rank, item, 1.0 / rank, "x") for listener in "uv" for rank, item in ((1, "b"), (2, "c"))]
    with pytest.raises(ValidationFailed, match="played by its listener before"):
        audit.run(context_of(tmp_path, same))
