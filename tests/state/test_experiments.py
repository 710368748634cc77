"""Experiments over nights: opened when asked, the same again, closed by time, people and changes, drawn anew."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import pytest

from pipeline.errors import ParamsError
from pipeline.online.results import ExperimentResult, State
from pipeline.online.running import Running
from pipeline.params.experiments import Experiment
from pipeline.state.experiments import TABLE, enter, latest_results, request, tonights
from pipeline.state.rows import entries

KEY = (b"a key", "f" * 16)
FIRST = dt.date(2026, 2, 1)
SPLIT = Experiment(design="split", recipe="knn", share=0.6, nights=5)
HOLDBACK = Experiment(design="holdback", share=0.05, nights=5)


def night(
    state: Path,
    day: int,
    declared: Mapping[str, Experiment],
    *,
    definition: str | None = "d1",
    key: tuple[bytes, str] = KEY,
) -> list[Running]:
    as_of = FIRST + dt.timedelta(days=day)
    return tonights(state, declared, as_of=as_of, key=key, definition_of=lambda _: definition)


def done(state: Path, day: int, running: list[Running]) -> None:
    """What a night that reaches its effects leaves."""
    left = [(each, result(each)) for each in running]
    enter(state, FIRST + dt.timedelta(days=day), left)


def result(running: Running, state: State | None = None) -> ExperimentResult:
    found: State = state or (running.closing_state if running.closing else "running")
    control, treatment = running.compared
    return ExperimentResult(
        id=running.id, design=running.design, state=found, control=control, treatment=treatment, arms=(), listeners=0,
        days=0, why=running.closing,
    )  # fmt: skip


def test_declared_alone_opens_nothing_and_a_request_opens_it_once(tmp_path: Path) -> None:
    assert night(tmp_path, 0, {"a": SPLIT}) == []
    request(tmp_path, "open", "a", by="ann", reason="to know")
    (first,) = night(tmp_path, 0, {"a": SPLIT})
    assert (first.id, first.opened, first.until) == ("a", FIRST, FIRST + dt.timedelta(days=5))
    assert sum(high - low for low, high in first.ranges) == 6000
    # Killed before its effects, the night opens the same again; so does it after them.
    assert night(tmp_path, 0, {"a": SPLIT}) == [first]
    done(tmp_path, 0, [first])
    assert night(tmp_path, 0, {"a": SPLIT}) == [first]
    done(tmp_path, 0, [first])
    assert len(entries(tmp_path, TABLE)) == 1
    # The next night has it as it was opened, whatever params.yaml says of its share since.
    assert night(tmp_path, 1, {"a": SPLIT.model_copy(update={"share": 0.1})}) == [first]
    assert night(tmp_path, -1, {"a": SPLIT}) == []  # an earlier night that is run again


def test_it_ends_by_time_by_people_by_a_change_and_with_other_tokens(tmp_path: Path) -> None:
    request(tmp_path, "open", "a", by="ann", reason="to know")
    done(tmp_path, 0, night(tmp_path, 0, {"a": SPLIT}))
    (over,) = night(tmp_path, 5, {"a": SPLIT})
    assert over.closing == f"its end was {over.until}"
    (changed,) = night(tmp_path, 1, {"a": SPLIT}, definition="d2")
    assert "knn was changed" in changed.closing
    (renamed,) = night(tmp_path, 1, {"a": SPLIT}, key=(b"another", "e" * 16))
    assert renamed.closing_state == "invalid"
    request(tmp_path, "close", "a", by="bob", reason="enough")
    (closed,) = night(tmp_path, 1, {"a": SPLIT})
    assert closed.closing == "bob closed it: enough"
    done(tmp_path, 1, [closed])
    assert night(tmp_path, 2, {"a": SPLIT}) == []
    assert [row["result"]["state"] for row in latest_results(tmp_path)] == ["ended"]
    assert night(tmp_path, 1, {"a": SPLIT}) == [closed]  # run again


def test_experiments_that_do_not_fit_are_refused_in_one_line(tmp_path: Path) -> None:
    for name in ("a", "b"):
        request(tmp_path, "open", name, by="ann", reason="to know")
    with pytest.raises(ParamsError, match=r"b in params\.yaml wants a share of 60.00%, but 40.00%"):
        night(tmp_path, 0, {"a": SPLIT, "b": SPLIT})
    with pytest.raises(ParamsError, match=r"b, which ann asked to open, is not in params\.yaml"):
        night(tmp_path, 0, {"a": SPLIT})
    with pytest.raises(ParamsError, match=r"b in params\.yaml is a holdback beside a"):
        night(tmp_path, 0, {"a": HOLDBACK, "b": HOLDBACK})
    with pytest.raises(ParamsError, match="is past"):
        night(tmp_path, 0, {"a": SPLIT.model_copy(update={"end": FIRST}), "b": HOLDBACK})
    request(tmp_path, "close", "b", by="ann", reason="a slip")
    assert [each.id for each in night(tmp_path, 0, {"a": SPLIT})] == ["a"]


def test_a_holdback_is_drawn_anew_until_its_end(tmp_path: Path) -> None:
    last = HOLDBACK.model_copy(update={"end": FIRST + dt.timedelta(days=8)})
    request(tmp_path, "open", "value", by="ann", reason="to learn what lists are worth")
    ran = []
    for day in range(10):
        running = night(tmp_path, day, {"value": last})
        assert running == night(tmp_path, day, {"value": last})
        done(tmp_path, day, running)
        assert running == night(tmp_path, day, {"value": last})
        ran.append([(each.id, bool(each.closing)) for each in running])
    first, second = ("value", False), ("value.2", False)
    assert ran[:5] == [[first]] * 5
    assert ran[5] == [("value", True), second]
    assert ran[6:8] == [[second]] * 2
    assert ran[8:] == [[("value.2", True)], []]
    tokens = [f"{n:032x}" for n in range(4000)]
    draws = {row["experiment"]: Running.model_validate(row["running"]) for row in latest_results(tmp_path)}
    held = [{t for t in tokens if each.arm(t) == "held_back"} for each in draws.values()]
    assert len(held[0] & held[1]) < 0.02 * len(tokens)  # a twentieth of a twentieth, not the same listeners again
