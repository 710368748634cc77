"""A record can be made again, shows every tampering, and answers what other prices would have led to."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline.errors import ParamsError, RecordError
from pipeline.gate.record import digest_of
from pipeline.nightly.replay import replay, what_if
from pipeline.stages import decide
from pipeline.storage.json_files import write_json
from tests.stages.test_decide import open_night


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the stage decide ran."""
    root = tmp_path_factory.mktemp("decided")
    decide.run(open_night(root, served="als"))
    return root


@pytest.fixture
def alone(decided: Path, tmp_path: Path) -> Path:
    """The record and its arrays in an empty folder, and nothing else."""
    record = json.loads((decided / "data" / "decision.json").read_text())
    for told in record["arrays"].values():
        target = tmp_path / told["file"]
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(decided / "data" / told["file"], target)
    shutil.copyfile(decided / "data" / "decision.json", tmp_path / "decision.json")
    return tmp_path / "decision.json"


def test_the_record_and_its_arrays_are_all_it_takes(decided: Path, alone: Path) -> None:
    assert replay(alone) == json.loads((decided / "data" / "decision.json").read_text())


@pytest.mark.parametrize("offset", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_one_flipped_byte_of_the_record_is_refused(alone: Path, offset: float) -> None:
    data = bytearray(alone.read_bytes())
    data[int(len(data) * offset)] ^= 1
    alone.write_bytes(bytes(data))
    with pytest.raises(Exception, match=r"decision\.json") as found:
        replay(alone)
    assert found.type.__module__ == "pipeline.errors"


def test_every_figure_of_the_record_is_under_its_digest(alone: Path) -> None:
    text = alone.read_text()
    changed = text.replace('"elasticity": {', '"elasticity": {', 1).replace('"high": 0.25', '"high": 0.26', 1)
    assert changed != text
    alone.write_text(changed)
    with pytest.raises(RecordError, match="changed after it was written"):
        replay(alone)


def test_a_changed_outcome_is_named(alone: Path) -> None:
    text = alone.read_text()
    alone.write_text(text.replace('"n_eligible": 600', '"n_eligible": 601', 1))
    with pytest.raises(RecordError, match="n_eligible is 601 and would be 600"):
        replay(alone)


@pytest.mark.parametrize("name", ["als", "popular", "served"])
def test_one_flipped_byte_of_an_array_is_refused_by_its_name(alone: Path, name: str) -> None:
    file = alone.parent / "evaluation" / f"{name}.parquet"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(bytes(data))
    with pytest.raises(RecordError, match=rf"{name}\.parquet has \d+ bytes and SHA-256"):
        replay(alone)


def test_a_missing_array_is_named(alone: Path) -> None:
    (alone.parent / "evaluation" / "als.parquet").unlink()
    with pytest.raises(RecordError, match=r"als\.parquet is missing"):
        replay(alone)


def test_a_record_reaches_for_no_file_outside_its_folder(alone: Path) -> None:
    record = json.loads(alone.read_text())
    files = {name: told["file"] for name, told in record["arrays"].items()}
    recipes = [name for name in files if f"{name} by day" in files]
    by_day = {f"{name} by day": f"evaluation/{name}.days.parquet" for name in recipes}
    whole = {name: f"evaluation/{name}.parquet" for name in recipes}
    assert files == whole | by_day | {"earlier": "earlier.parquet"}
    record["arrays"]["als"]["file"] = "../als.parquet"
    record["digest"] = digest_of(record)
    write_json(alone, record)
    with pytest.raises(RecordError, match=r"names \.\./als\.parquet"):
        replay(alone)


def test_the_same_prices_change_nothing_and_others_are_answered(alone: Path) -> None:
    before, same = what_if(alone, ["economics.listeners=100000"])
    assert same == before
    _, dear = what_if(alone, ["economics.prices.engineering_hour=0", "economics.listeners=50000000"])
    assert dear["assumptions"]["listeners"] == 50_000_000
    assert dear["assumptions"]["prices"]["engineering_hour"] == 0.0
    assert dear["challengers"] != before["challengers"]


def test_a_challengers_verdict_turns_at_its_flip_price(alone: Path) -> None:
    """The first night's record: nothing is served, and als is promoted over the popular list."""
    root = alone.parent / "first"
    decide.run(open_night(root))
    path = root / "data" / "decision.json"
    record = replay(path)
    assert record["challenger"] == "als"
    flips = {f["price"]: f["flips_at"] for f in record["challengers"][3 - 1]["prospect"]["flips"]}
    at = flips["margin_per_listener_day"]
    passes = [
        next(c for c in what_if(path, [f"economics.margin_per_listener_day={at * f!r}"])[1]["challengers"]
             if c["recipe"] == "als")["passes"]
        for f in (0.999, 1.001)
    ]  # fmt: skip
    assert passes == [False, True]


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("economics.listener=5", "there is no economics.listener"),
        ("recipes.als.factors=5", "economics.NAME=VALUE"),
        ("listeners", "economics.NAME=VALUE"),
        ("economics.listeners=many", "integer"),
        ("economics.listeners.x=5", "there is no economics.listeners.x"),
        ("gate.alpha=0.9", "less than 0.5"),
    ],
)
def test_a_setting_that_is_none_is_one_clear_line(alone: Path, setting: str, said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        what_if(alone, [setting])


def test_a_record_of_an_earlier_rule_is_refused_by_name_with_what_can_replay_it(tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text('{"schema": 3, "digest": "0"}')
    with pytest.raises(RecordError, match=r"schema 3, of an earlier rule: commit 36f288f .* Check out that commit"):
        replay(tmp_path / "decision.json")


def test_a_file_that_is_not_a_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text('{"schema": 1}')
    with pytest.raises(RecordError, match="not a decision record"):
        replay(tmp_path / "decision.json")
