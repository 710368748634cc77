"""Lists of all arms in one night: who gets which, what drafts and withheld items look like, and none without them."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.online.assignment import layer_salt, withheld_pairs
from pipeline.online.running import Running
from pipeline.params.experiments import Experiment
from pipeline.recommenders.families.rp3beta import Rp3BetaParams
from pipeline.runtime.inprocess import InProcess
from pipeline.stages import audit
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.stages.recommend import recommend
from pipeline.storage.json_files import write_json
from pipeline.storage.schemas import ARMS
from pipeline.storage.tables import read_table
from tests.stages.test_recommend import KNN, lists_by_listener, plant, write_fit

OPENED = dt.date(2026, 2, 1)
ITEMS = "abcdefghijklmnopqrstuvwxyz"
DESIGNS = {
    "value": Experiment(design="holdback", share=0.2),
    "ab": Experiment(design="split", recipe="rp3", share=0.5),
    "mix": Experiment(design="interleave", recipe="rp3", share=0.4),
    "gaps": Experiment(design="withhold", share=0.5, withheld=0.3),
}


def audience(n: int, tokens: Sequence[str] = ()) -> dict[str, str]:
    """Listeners, named by tokens, who have each heard six items of one half of the alphabet."""
    names = sorted(tokens) or [f"{i:032x}" for i in range(n)]
    rng = np.random.default_rng(1)
    halves = (ITEMS[:13], ITEMS[13:])
    return {name: "".join(sorted(rng.choice(list(halves[i % 2]), 6, replace=False))) for i, name in enumerate(names)}


def running(name: str, *, opened: dt.date = OPENED, **changes: object) -> Running:
    declared = DESIGNS[name]
    ranges = {"ab": ((0, 5000),), "mix": ((5000, 9000),)}.get(name, ())
    made = Running(
        id=name, name=name, declared=declared, opened=opened, until=opened + dt.timedelta(days=28),
        salt=layer_salt(b"k", declared.layer), id_key="f" * 16, ranges=ranges,
    )  # fmt: skip
    return made.model_copy(update=changes)


def open_all(layout: Layout, experiments: list[Running], states: dict[str, str] | None = None) -> None:
    results = [{"id": each.id, "state": (states or {}).get(each.id, "running")} for each in experiments]
    dumped = [each.model_dump(mode="json") for each in experiments]
    write_json(layout.experiments, {"running": dumped, "results": results})


def planted(root: Path, n: int = 300, *, n_items: int = 5, tokens: Sequence[str] = ()) -> Context:
    people = audience(n, tokens)
    found = plant(root, KNN, plays=people, fitted_on=people, n_items=n_items)
    write_fit(
        found.layout.arm_model("rp3"), Rp3BetaParams(family="rp3beta", neighbours=20, alpha=1.0, beta=0.6), people
    )
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Context:
    found = planted(tmp_path_factory.mktemp("plain"))
    recommend(found, InProcess())
    return found


def lists_with(root: Path, *names: str) -> tuple[Context, dict[str, dict[str, object]]]:
    found = planted(root)
    open_all(found.layout, [running(name) for name in names])
    recommend(found, InProcess())
    assert "300 lists" in audit.run(found)
    return found, {row["listener_id"]: row for row in read_table(found.layout.arms, ARMS).to_pylist()}


def items_of(layout: Layout) -> dict[str, list[str]]:
    return {who: [item for item, _ in rows] for who, rows in lists_by_listener(layout).items()}


def test_without_experiments_no_listener_is_in_an_arm_and_the_lists_are_the_same_bytes(plain: Context) -> None:
    assert read_table(plain.layout.arms, ARMS).num_rows == 0
    before = plain.layout.lists.read_bytes()
    open_all(plain.layout, [running("ab"), running("value")], {"ab": "stopped", "value": "ended"})
    recommend(plain, InProcess())  # what was stopped or has ended falls back to what the night serves
    assert plain.layout.lists.read_bytes() == before
    assert read_table(plain.layout.arms, ARMS).num_rows == 0
    plain.layout.experiments.unlink()


def test_each_arm_has_the_lists_of_its_recipe_and_all_others_those_of_the_night(plain: Context, tmp_path: Path) -> None:
    challenger = planted(tmp_path / "rp3")
    layout = challenger.layout
    layout.final_model.rename(tmp_path / "knn")
    layout.arm_model("rp3").rename(layout.final_model)
    recommend(challenger, InProcess())
    served, theirs = items_of(plain.layout), items_of(layout)
    assert sum(served[who] != theirs[who] for who in served) > 100
    both, arms = lists_with(tmp_path / "both", "ab", "value")
    found, popular = items_of(both.layout), 0
    ab, value = running("ab"), running("value")
    for who, items in found.items():
        arm = arms.get(who)
        if value.arm(who) == "held_back":  # also if the split would take the listener
            assert arm is not None
            assert (arm["experiment"], arm["recipe"], arm["propensity"]) == ("value", "popular", 0.2)
            reasons = {reason for _, reason in lists_by_listener(both.layout)[who]} if popular < 3 else {"x"}
            assert len(reasons) == 1
            popular += 1
        elif ab.arm(who) == "treatment":
            assert arm is not None
            assert (arm["arm"], arm["recipe"], arm["propensity"]) == ("treatment", "rp3", 0.5)
            assert items == theirs[who]
        else:
            assert items == served[who]
            assert (arm is None) == (ab.arm(who) is None)
    assert 30 <= popular <= 90


def test_a_drafted_list_has_items_of_both_and_says_whose_each_is(plain: Context, tmp_path: Path) -> None:
    mixed, arms = lists_with(tmp_path, "mix")
    served, found = items_of(plain.layout), items_of(mixed.layout)
    drafted = {who: str(row["team"]) for who, row in arms.items()}
    assert len(drafted) > 80
    for who, teams in drafted.items():
        assert len(teams) == len(found[who]) == 5
        assert set(teams[:2]) == {"C", "T"}
        own = [item for item, team in zip(found[who], teams, strict=True) if team == "C"]
        assert own == [item for item in served[who] if item in own]
    other = dataclasses.replace(mixed, as_of=mixed.as_of + dt.timedelta(days=1))
    recommend(other, InProcess())
    again = {row["listener_id"]: row["team"] for row in read_table(mixed.layout.arms, ARMS).to_pylist()}
    assert again.keys() == drafted.keys()
    assert again != drafted  # each night flips coins of its own


def test_withheld_items_are_on_no_list_of_those_who_take_part_and_lists_stay_full(
    plain: Context, tmp_path: Path
) -> None:
    held, _ = lists_with(tmp_path, "gaps")
    served, found, gaps = items_of(plain.layout), items_of(held.layout), running("gaps")
    listeners, changed = list(found), 0
    for n, who in enumerate(listeners):
        assert len(found[who]) == 5
        pairs = np.array([[n] * 5, [ITEMS.index(item) for item in found[who]]])
        gone = withheld_pairs(gaps.salt, "gaps", listeners, list(ITEMS), pairs, q=0.3)
        if gaps.arm(who) == "withheld":
            assert not gone.any()
            changed += found[who] != served[who]
        else:
            assert found[who] == served[who]
    assert changed > 60


def test_lists_stay_full_where_a_small_catalogue_leaves_too_few_items(tmp_path: Path) -> None:
    """26 items less six heard; half of them withheld leaves fewer than 15 for nearly all listeners."""
    found = planted(tmp_path, 60, n_items=15)
    much = running("gaps", declared=Experiment(design="withhold", share=1.0, withheld=0.5))
    open_all(found.layout, [much])
    recommend(found, InProcess())
    assert "60 lists" in audit.run(found)
    assert {len(items) for items in items_of(found.layout).values()} == {15}
