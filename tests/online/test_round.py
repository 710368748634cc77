"""A small round through the real server: release, answers, landed impressions, and the next night's estimate."""

import dataclasses
import datetime as dt
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from pipeline.erasure.releases import change_releases
from pipeline.erasure.tables import without
from pipeline.identity.tokens import OPEN_KEY, fingerprint, token_of
from pipeline.logs.inventory import take_inventory
from pipeline.online.results import ExperimentResult
from pipeline.online.running import Running
from pipeline.releases.publishing import Contents, publish
from pipeline.releases.release import current
from pipeline.runtime.inprocess import InProcess
from pipeline.serving.contents import make_contents
from pipeline.serving.snapshot import Snapshot
from pipeline.stages import experiments
from pipeline.stages.context import Context
from pipeline.stages.recommend import recommend
from pipeline.storage.json_files import read_json, write_json
from pipeline.storage.schemas import ARMS, DAILY, PLAYS
from pipeline.storage.tables import read_table, write_table
from tests.online.test_lists import open_all, planted, running
from tests.serving.server import serving

N, DAYS = 300, 8
IDS = [f"L{n:06d}" for n in range(N)]
OPENED = dt.datetime.now(dt.UTC).date()


class Round(NamedTuple):
    """A night whose lists were asked for by all listeners; `names` are their tokens."""

    context: Context
    running: list[Running]
    answers: dict[str, dict[str, object]]
    names: dict[str, str]
    landing: Path


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Round:
    """One release with a split and a holdback, served by the real server: each listener asks once."""
    root = tmp_path_factory.mktemp("round")
    night = dataclasses.replace(planted(root, N, tokens=[token_of(each, OPEN_KEY) for each in IDS]), as_of=OPENED)
    opened = [running(name, opened=OPENED, id_key=fingerprint(OPEN_KEY)) for name in ("ab", "mix", "value")]
    open_all(night.layout, opened)
    recommend(night, InProcess())
    release(night)
    (root / "landing").mkdir()
    answers = {}
    with serving(root, "--no-newcomers", "--quiet") as server:
        for name in IDS:
            answers[token_of(name, OPEN_KEY)] = server.client.get(f"/v1/listeners/{name}/recommendations?k=3").json()
    return Round(night, opened, answers, {token_of(each, OPEN_KEY): each for each in IDS}, root / "landing")


def release(night: Context) -> None:
    layout = night.layout
    files, _ = make_contents(
        layout.root / "cache", lists=layout.lists, fallback=layout.fallback, window=layout.window,
        model=layout.final_model, arms=layout.arms,
    )  # fmt: skip
    files |= {"lists.parquet": layout.lists, "fallback.parquet": layout.fallback, "model": layout.final_model}
    facts = {
        "as_of": night.as_of.isoformat(), "recipe": "knn", "family": "item_knn", "n_listeners": N,
        "id_key": fingerprint(OPEN_KEY),
    }  # fmt: skip
    publish(
        layout.root / "releases", Contents(files, facts, {"verdict": "KEEP", "sentence": "", "params": "", "code": ""})
    )


def later(
    shown: Round, *, loss: float = 0.0, landing: Path | None = None, seed: int = 3
) -> dict[str, ExperimentResult]:
    """The estimates of a night DAYS later; listeners in the treatment of `ab` play less by `loss`."""
    rng, layout = np.random.default_rng(seed), shown.context.layout
    split = shown.running[0]
    habit = {name: rng.gamma(2.0, 3.0) for name in shown.answers}
    for day in range(-28, DAYS):
        date, rows = OPENED + dt.timedelta(days=day), []
        for name, mean in habit.items():
            lost = loss if day >= 0 and split.arm(name) == "treatment" else 0.0
            if n := int(rng.poisson(mean * (1 - lost))):
                rows.append({"day": date, "listener_id": name, "item_id": "a", "n_plays": n, "ms_played": n})
        write_table(layout.daily / f"day={date}.parquet", pa.Table.from_pylist(rows, schema=DAILY), DAILY)
    moment = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=1)
    plays = [
        {"listener_id": name, "played_at": moment, "artist_id": str(answer["items"][0]["item_id"]), "artist_name": "",
         "track_id": "", "track_name": "", "source": "s", "file": "f", "row": 0}
        for name, answer in shown.answers.items()
    ]  # fmt: skip
    write_table(layout.plays / f"day={moment.date()}" / "p.parquet", pa.Table.from_pylist(plays, schema=PLAYS), PLAYS)
    write_json(layout.opened_experiments, {"experiments": [each.model_dump(mode="json") for each in shown.running]})
    write_json(layout.decision, {"serve": {"source": "served", "recipe": "knn"}})
    write_json(layout.served / "served.json", {"release": None, "definition": "d"})
    inventory = take_inventory(landing or shown.landing, "netgain-events", workspace=layout.root)
    write_json(layout.landing, inventory)
    night = dataclasses.replace(shown.context, as_of=OPENED + dt.timedelta(days=DAYS))
    before = layout.experiments.read_bytes()
    experiments.run(night)
    found = read_json(layout.experiments)
    layout.experiments.write_bytes(before)
    return {each["id"]: ExperimentResult.model_validate(each) for each in found["results"]}


def test_the_server_gives_each_listener_the_arm_of_the_draft(shown: Round) -> None:
    arms = {row["listener_id"]: row for row in read_table(shown.context.layout.arms, ARMS).to_pylist()}
    for name, answer in shown.answers.items():
        row = arms.get(name, {"experiment": None, "arm": None, "recipe": ""})
        assert (answer["experiment"], answer["arm"]) == (row["experiment"], row["arm"])
        assert answer["recipe"] == (row["recipe"] or "knn")
        assert answer["lane"] == "own"
    assert len(Counter((answer["experiment"], answer["arm"]) for answer in shown.answers.values())) == 5


def test_an_experiment_of_equal_arms_finds_nothing_and_goes_on(shown: Round) -> None:
    found = later(shown)
    split, holdback, mix = found["ab"], found["value"], found["mix"]
    assert {each.state for each in found.values()} == {"running"}
    held = sum(answer["arm"] == "held_back" for answer in shown.answers.values())
    assert split.listeners == sum(answer["experiment"] == "ab" for answer in shown.answers.values())
    assert (holdback.arms[0].exposed, holdback.listeners) == (held, N)
    assert {each.contaminated for each in found.values()} == {0}
    assert (split.days, split.srm_p is not None and split.srm_p > 0.001) == (DAYS, True)
    assert split.effect is not None
    assert split.effect_se is not None
    assert abs(split.effect) < 4 * split.effect_se < 0.5
    assert not any(bound.harms for bound in split.harm)
    assert split.power is not None
    assert split.power.at_end < split.power.detectable
    # All played the first item that they were shown: teams share these by the coins.
    assert mix.effect is None
    firsts = [answer for answer in shown.answers.values() if answer["experiment"] == "mix"]
    assert len(firsts) == mix.listeners


def test_an_arm_that_loses_plays_is_stopped_and_tells_what_it_cost(shown: Round) -> None:
    stopped = later(shown, loss=0.5)["ab"]
    assert stopped.state == "stopped"
    assert f"{stopped.treated_days:,} listener-days" in stopped.why
    assert stopped.treated_days == stopped.arms[1].exposed * DAYS
    assert stopped.effect == pytest.approx(-0.5, abs=4 * (stopped.effect_se or 0))


def test_impressions_of_an_arm_that_are_lost_make_it_invalid(shown: Round, tmp_path: Path) -> None:
    for segment in (shown.landing / "events").glob("*.events"):
        lines = segment.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for n, line in enumerate(lines) if '"arm":"treatment"' not in line or n % 4 == 0]
        (tmp_path / "events").mkdir(exist_ok=True)
        (tmp_path / "events" / segment.name).write_text("".join(kept), encoding="utf-8")
    found = later(shown, landing=tmp_path)
    assert found["ab"].state == "invalid"
    assert found["ab"].effect is None
    assert "do not have the listeners that they were given" in found["ab"].why
    assert found["mix"].state == "running"


def test_listeners_who_saw_the_other_arm_are_left_out_and_many_make_it_invalid(shown: Round, tmp_path: Path) -> None:
    for name, every in (("few", 100), ("many", 2)):
        folder, n = tmp_path / name / "events", 0
        folder.mkdir(parents=True)
        for segment in (shown.landing / "events").glob("*.events"):
            lines = []
            for line in segment.read_text(encoding="utf-8").splitlines(keepends=True):
                swapped = '"arm":"treatment"' in line and n % every == 0
                n += '"arm":"treatment"' in line
                lines.append(line.replace('"arm":"treatment"', '"arm":"control"') if swapped else line)
            (folder / segment.name).write_text("".join(lines), encoding="utf-8")
    few, many = (later(shown, landing=tmp_path / name)["ab"] for name in ("few", "many"))
    assert (few.state, few.contaminated) == ("running", 1)
    assert few.listeners == sum(arm.exposed for arm in few.arms) - 1
    assert many.state == "invalid"


def test_what_was_shown_from_a_release_before_the_experiment_exposes_no_listener(shown: Round, tmp_path: Path) -> None:
    """As after a rollback: its answers name another release, and no experiment."""
    earlier = (OPENED - dt.timedelta(days=1)).isoformat()
    (tmp_path / "events").mkdir()
    for segment in (shown.landing / "events").glob("*.events"):
        text = segment.read_text(encoding="utf-8").replace(f'"release":"{OPENED}', f'"release":"{earlier}')
        (tmp_path / "events" / segment.name).write_text(text, encoding="utf-8")
    found = later(shown, landing=tmp_path)
    assert {(each.state, each.listeners, each.effect) for each in found.values()} == {("running", 0, None)}


def test_an_erased_listener_leaves_the_release_and_all_others_keep_their_arms(shown: Round) -> None:
    gone = next(name for name, answer in shown.answers.items() if answer["arm"] == "treatment")
    root = shown.context.layout.root
    assert change_releases(root / "releases", root / "ledger", without({gone}))
    snapshot = Snapshot(current(root / "releases"))
    assert snapshot.index.find(gone) is None
    assert gone not in (snapshot.release.folder / "arms.parquet").read_bytes().decode("latin-1")
    for name, answer in list(shown.answers.items())[:60]:
        if name != gone:
            entry = snapshot.index.find(name)
            assert entry is not None
            body = snapshot.answer("own", "x", entry.first(3)).decode()
            assert f'"experiment":{_json(answer["experiment"])},"arm":{_json(answer["arm"])}' in body


def _json(value: object) -> str:
    return "null" if value is None else f'"{value}"'
