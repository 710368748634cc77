"""The ledger keeps every look once, and tells a night what the nights before it knew."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from pipeline.errors import TableError
from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.pooling import EarlierLooks
from pipeline.settings import StateStore
from pipeline.state.ledger import ANALYSES, INFLUENCE_FOLDER, add_look, add_override, history
from pipeline.state.location import FILE
from pipeline.state.rows import entries
from pipeline.storage.schemas import INFLUENCE

NIGHT = dt.date(2026, 2, 12)


def look(as_of: str, number: int, *, inputs: str = "a", **more: Any) -> dict[str, Any]:
    entry = {"as_of": as_of, "inputs": inputs, "look": number, "n_challengers": 4, "gate_recipe": "als", "seeds": {}}
    return entry | more


def known(ledger: StateStore, *, as_of: dt.date = NIGHT, inputs: str = "z") -> Any:
    return history(ledger, as_of=as_of, inputs=inputs, recipes={"als": "d1"}, pair_key=lambda *_: "k")[0]


def test_without_a_ledger_it_is_the_first_night(store: StateStore) -> None:
    found = known(store)
    assert (found.look, found.champion, found.seeds, found.override) == (1, None, {}, None)


def test_a_look_is_entered_once(store: StateStore) -> None:
    assert add_look(store, look("2026-02-11", 1))
    assert not add_look(store, look("2026-02-11", 1))
    assert not add_look(store, look("2026-02-11", 1, gate_recipe="popular"))
    assert add_look(store, look("2026-02-11", 2, inputs="b"))
    assert [(e["look"], e["gate_recipe"]) for e in entries(store, ANALYSES)] == [(1, "popular"), (2, "als")]
    assert known(store).look == 3


def test_only_nights_before_tell_of_champion_and_seeds(store: StateStore) -> None:
    for day, value in ((10, 0.01), (11, 0.02), (13, 0.09)):
        seeds = {"als": {"relative_variance": value, "of_means": value, "df": 2.0, "recipe": "d1"}}
        add_look(store, look(f"2026-02-{day}", day, seeds=seeds, gate_recipe=f"r{day}"))
    found = known(store)
    assert found.champion == "r11"
    assert found.earlier("als") == (EarlierSeeds(0.01, 2.0, 0.01), EarlierSeeds(0.02, 2.0, 0.02))


def test_other_hyperparameters_vary_otherwise(store: StateStore) -> None:
    add_look(
        store,
        look("2026-02-10", 1, seeds={"als": {"relative_variance": 0.01, "of_means": 0.01, "df": 2.0, "recipe": "d0"}}),
    )
    assert known(store).earlier("als") == ()


def test_an_override_is_in_force_from_its_first_to_its_last_night(store: StateStore) -> None:
    told = {"recipe": "als", "by": "Ada", "reason": "a test", "since": "2026-02-11", "until": "2026-02-13"}
    add_override(store, told)
    nights = [NIGHT + dt.timedelta(days=n) for n in range(-2, 3)]
    assert [known(store, as_of=night).override is not None for night in nights] == [False, True, True, True, False]
    add_override(store, told | {"recipe": "rp3beta", "since": "2026-02-12"})
    assert known(store).override.recipe == "rp3beta"


def test_a_ledger_that_cannot_be_read_stops_the_night(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{half")
    with pytest.raises(TableError, match=r"netgain\.db is damaged"):
        known(StateStore(tmp_path))


def pair(champion: str = "popular", key: str = "k") -> dict[str, Any]:
    told = {"champion_mean": 0.1, "challenger_mean": 0.2, "champion_fits": 1, "challenger_fits": 4}
    return {"champion": champion, "key": key} | told


def influences(**by_listener: float) -> pa.Table:
    rows = [{"challenger": "als", "listener_id": who, "influence": much} for who, much in by_listener.items()]
    return pa.Table.from_pylist(rows, schema=INFLUENCE)


def pooled(ledger: StateStore) -> tuple[dict[str, EarlierLooks], dict[str, float]]:
    found, summed = history(ledger, as_of=NIGHT, inputs="z", recipes={}, pair_key=lambda *_: "k")
    return found.pairs or {}, dict(zip(summed["listener_id"].to_pylist(), summed["influence"].to_pylist(), strict=True))


def test_looks_at_the_same_pair_add_up(store: StateStore) -> None:
    add_look(store, look("2026-02-10", 1, pairs={"als": pair()}), influences(a=0.5, b=-0.5))
    add_look(store, look("2026-02-11", 2, pairs={"als": pair()}), influences(b=0.25, c=-0.25))
    pairs, summed = pooled(store)
    assert pairs == {"als": EarlierLooks("popular", 2, pytest.approx(0.2), pytest.approx(0.4), 2.0, 0.5)}
    assert summed == {"a": 0.5, "b": -0.25, "c": -0.25}


def test_a_night_that_is_run_again_counts_once(store: StateStore) -> None:
    for _ in range(2):
        add_look(store, look("2026-02-11", 1, pairs={"als": pair()}), influences(a=0.5, b=-0.5))
    pairs, summed = pooled(store)
    assert (pairs["als"].n_looks, summed) == (1, {"a": 0.5, "b": -0.5})


def test_looks_at_other_hyperparameters_are_left_out(store: StateStore) -> None:
    add_look(store, look("2026-02-10", 1, pairs={"als": pair(key="other")}), influences(a=0.5, b=-0.5))
    assert pooled(store) == ({}, {})


def test_another_champion_ends_the_row(store: StateStore) -> None:
    """popular, als, popular: what was seen before als came and went is not taken up again."""
    for day, champion in ((8, "popular"), (9, "rp3beta"), (10, "popular"), (11, "popular")):
        add_look(store, look(f"2026-02-{day:02}", day, pairs={"als": pair(champion)}), influences(a=1, b=-1))
    pairs, summed = pooled(store)
    assert (pairs["als"].champion, pairs["als"].n_looks, summed["a"]) == ("popular", 2, 2)


def test_a_night_without_a_look_ends_nothing_and_tables_that_are_gone_are_not_counted(store: StateStore) -> None:
    add_look(store, look("2026-02-08", 1, pairs={"als": pair()}), influences(a=1, b=-1))
    add_look(store, look("2026-02-09", 2, pairs={"als": pair()}), influences(a=1, b=-1))
    add_look(store, look("2026-02-10", 3, pairs={}))
    (store.folder / INFLUENCE_FOLDER / "2026-02-09.parquet").unlink()
    pairs, summed = pooled(store)
    assert (pairs["als"].n_looks, summed["a"]) == (1, 1)


def test_looks_of_long_ago_are_neither_pooled_nor_kept(store: StateStore) -> None:
    add_look(store, look("2025-12-01", 1, pairs={"als": pair()}), influences(a=1, b=-1))
    add_look(store, look("2026-01-14", 2, pairs={"als": pair()}), influences(a=1, b=-1))
    assert pooled(store) == ({}, {})
    add_look(store, look("2026-02-11", 3, pairs={"als": pair()}), influences(a=1, b=-1))
    assert sorted(path.stem for path in (store.folder / INFLUENCE_FOLDER).iterdir()) == ["2026-01-14", "2026-02-11"]
    assert pooled(store)[0]["als"].n_looks == 1
