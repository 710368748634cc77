"""The ledger keeps every look once, and tells a night what the nights before it knew."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from pipeline.core.comparison import EarlierSeeds
from pipeline.errors import TableError
from pipeline.io.ledger import LOOKS, add_look, add_override, history, read_lines

NIGHT = dt.date(2026, 2, 12)


def look(as_of: str, number: int, *, inputs: str = "a", **more: Any) -> dict[str, Any]:
    entry = {"as_of": as_of, "inputs": inputs, "look": number, "n_challengers": 4, "gate_recipe": "als", "seeds": {}}
    return entry | more


def known(ledger: Path, *, as_of: dt.date = NIGHT, inputs: str = "z") -> Any:
    return history(ledger, as_of=as_of, inputs=inputs, recipes={"als": "d1"})


def test_without_a_ledger_it_is_the_first_night(tmp_path: Path) -> None:
    found = known(tmp_path / "ledger")
    assert (found.look, found.champion, found.seeds, found.override) == (1, None, {}, None)


def test_a_look_is_entered_once(tmp_path: Path) -> None:
    assert add_look(tmp_path, look("2026-02-11", 1))
    assert not add_look(tmp_path, look("2026-02-11", 1))
    assert not add_look(tmp_path, look("2026-02-11", 1, gate_recipe="popular"))
    assert add_look(tmp_path, look("2026-02-11", 2, inputs="b"))
    assert [(e["look"], e["gate_recipe"]) for e in read_lines(tmp_path / LOOKS)] == [(1, "popular"), (2, "als")]
    assert known(tmp_path).look == 3


def test_only_nights_before_tell_of_champion_and_seeds(tmp_path: Path) -> None:
    for day, value in ((10, 0.01), (11, 0.02), (13, 0.09)):
        seeds = {"als": {"relative_variance": value, "of_means": value, "df": 2.0, "recipe": "d1"}}
        add_look(tmp_path, look(f"2026-02-{day}", day, seeds=seeds, gate_recipe=f"r{day}"))
    found = known(tmp_path)
    assert found.champion == "r11"
    assert found.earlier("als") == (EarlierSeeds(0.01, 2.0, 0.01), EarlierSeeds(0.02, 2.0, 0.02))


def test_other_hyperparameters_vary_otherwise(tmp_path: Path) -> None:
    add_look(
        tmp_path,
        look("2026-02-10", 1, seeds={"als": {"relative_variance": 0.01, "of_means": 0.01, "df": 2.0, "recipe": "d0"}}),
    )
    assert known(tmp_path).earlier("als") == ()


def test_an_override_is_in_force_from_its_first_to_its_last_night(tmp_path: Path) -> None:
    told = {"recipe": "als", "by": "Ada", "reason": "a test", "since": "2026-02-11", "until": "2026-02-13"}
    add_override(tmp_path, told)
    nights = [NIGHT + dt.timedelta(days=n) for n in range(-2, 3)]
    assert [known(tmp_path, as_of=night).override is not None for night in nights] == [False, True, True, True, False]
    add_override(tmp_path, told | {"recipe": "rp3beta", "since": "2026-02-12"})
    assert known(tmp_path).override.recipe == "rp3beta"


def test_a_ledger_that_cannot_be_read_stops_the_night(tmp_path: Path) -> None:
    (tmp_path / LOOKS).write_text("{half")
    with pytest.raises(TableError, match=r"looks\.jsonl cannot be read"):
        known(tmp_path)
