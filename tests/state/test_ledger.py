"""The ledger keeps every analysis once, and tells a night what the nights before it knew."""

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from pipeline.errors import TableError
from pipeline.gate.comparison import EarlierSeeds
from pipeline.gate.days import DayDifference
from pipeline.gate.groups import N_GROUPS
from pipeline.gate.pooling import EVERYONE, PARTS, Means, PairNight
from pipeline.gate.spending import Approval, Clock, Entrant, History
from pipeline.json_values import as_json
from pipeline.settings import StateStore
from pipeline.state.ledger import ANALYSES, INFLUENCE_FOLDER, add_analysis, add_approval, add_override, history
from pipeline.state.location import FILE
from pipeline.state.rows import entries
from pipeline.storage.influence_table import influence_table

NIGHT = dt.date(2026, 2, 12)
MEMORY = "@refresh"


def analysis(as_of: str, *, inputs: str = "a", **more: Any) -> dict[str, Any]:
    entry = {
        "as_of": as_of,
        "inputs": inputs,
        "n_challengers": 4,
        "gate_recipe": "als",
        "seeds": {},
        "definitions": {"als": "d"},
        "pairs": {},
    }
    return entry | more


def handed(ledger: StateStore, *, as_of: dt.date = NIGHT, inputs: str = "z") -> tuple[History, pa.Table]:
    return history(
        ledger,
        as_of=as_of,
        inputs=inputs,
        recipes={"als": "d1"},
        entrants={"als": Entrant("k", "d")},
        memory={MEMORY: "m"},
        decision_from=as_of - dt.timedelta(days=7),
        max_entrants=10,
    )


def known(ledger: StateStore, **more: Any) -> History:
    return handed(ledger, **more)[0]


def test_without_a_ledger_it_is_the_first_night(store: StateStore) -> None:
    found = known(store)
    assert (found.clocks, found.champion, found.seeds, found.override) == ({"als": Clock("running", 1)}, None, {}, None)


def test_an_analysis_is_entered_once(store: StateStore) -> None:
    assert add_analysis(store, analysis("2026-02-11"))
    assert not add_analysis(store, analysis("2026-02-11"))
    assert not add_analysis(store, analysis("2026-02-11", gate_recipe="popular"))
    assert add_analysis(store, analysis("2026-02-11", inputs="b"))
    assert [(e["inputs"], e["gate_recipe"]) for e in entries(store, ANALYSES)] == [("a", "popular"), ("b", "als")]


def test_only_nights_before_tell_of_champion_and_seeds(store: StateStore) -> None:
    for day, value in ((10, 0.01), (11, 0.02), (13, 0.09)):
        seeds = {"als": {"relative_variance": value, "of_means": value, "df": 2.0, "recipe": "d1"}}
        add_analysis(store, analysis(f"2026-02-{day}", seeds=seeds, gate_recipe=f"r{day}"))
    found = known(store)
    assert found.champion == "r11"
    assert found.earlier("als") == (EarlierSeeds(0.01, 2.0, 0.01), EarlierSeeds(0.02, 2.0, 0.02))


def test_other_hyperparameters_vary_otherwise(store: StateStore) -> None:
    add_analysis(
        store,
        analysis("2026-02-10", seeds={"als": {"relative_variance": 0.01, "of_means": 0.01, "df": 2.0, "recipe": "d0"}}),
    )
    assert known(store).earlier("als") == ()


def test_an_override_is_in_force_from_its_first_to_its_last_night(store: StateStore) -> None:
    told = {"recipe": "als", "by": "Ada", "reason": "a test", "since": "2026-02-11", "until": "2026-02-13"}
    add_override(store, told)
    nights = [NIGHT + dt.timedelta(days=n) for n in range(-2, 3)]
    assert [known(store, as_of=night).override is not None for night in nights] == [False, True, True, True, False]
    add_override(store, told | {"recipe": "rp3beta", "since": "2026-02-12"})
    assert known(store).override.recipe == "rp3beta"


def test_an_answer_to_a_promotion_holds_for_its_night_alone_and_is_no_override(store: StateStore) -> None:
    yes = Approval("als", "Ada", "fine", granted=True)
    add_approval(store, NIGHT, yes)
    assert (known(store).approval, known(store).override) == (yes, None)
    assert known(store, as_of=NIGHT + dt.timedelta(days=1)).approval is None
    add_approval(store, NIGHT, replace(yes, granted=False))
    assert known(store).approval == replace(yes, granted=False)


def test_a_ledger_that_cannot_be_read_stops_the_night(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{half")
    with pytest.raises(TableError, match=r"netgain\.db is damaged"):
        known(StateStore(tmp_path))


def night_of(as_of: str, gain: float, *, number: int = 1, key: str = "k", served: bool = False) -> dict[str, Any]:
    """A comparison of als on a night, as the ledger keeps it."""
    means = {part: Means(10, 0.1, 0.1 + gain) for part in PARTS}
    told = PairNight(as_of, means, {as_of: DayDifference(gain, 0.1, 1e-4)}, 1, 3, served=served)
    return as_json(told) | {"key": key, "clock": as_json(Clock("running", number))}


def influences(as_of: str, *groups: float, name: str = "als") -> pa.Table:
    rows = np.zeros((len(PARTS), N_GROUPS))
    rows[0, : len(groups)] = groups
    return influence_table({(name, as_of): rows}, PARTS)


def enter(
    ledger: StateStore, as_of: str, gain: float, *groups: float, inputs: str = "a", number: int = 1, key: str = "k"
) -> None:
    pairs = {"als": night_of(as_of, gain, number=number, key=key)}
    add_analysis(ledger, analysis(as_of, inputs=inputs, pairs=pairs), influences(as_of, *groups))


def gains(ledger: StateStore, name: str = "als") -> list[tuple[str, float]]:
    return [
        (night.as_of, round(night.means[EVERYONE].challenger - 0.1, 6)) for night in known(ledger).pairs.get(name, ())
    ]


def rows_of(ledger: StateStore) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for row in handed(ledger)[1].to_pylist():
        found.setdefault(row["as_of"], []).append(row["influence"])
    return found


def test_nights_of_the_same_pair_are_handed_on_with_their_influences(store: StateStore) -> None:
    enter(store, "2026-02-10", 0.01, 0.5, -0.5)
    enter(store, "2026-02-11", 0.02, 0.25, number=2)
    assert gains(store) == [("2026-02-10", 0.01), ("2026-02-11", 0.02)]
    assert rows_of(store) == {"2026-02-10": [0.5, -0.5], "2026-02-11": [0.25]}
    assert known(store).clocks == {"als": Clock("running", 3)}
    (first, _) = known(store).pairs["als"]
    assert first.days == {"2026-02-10": DayDifference(0.01, 0.1, 1e-4)}


def test_nights_that_are_not_pooled_leave_their_days(store: StateStore) -> None:
    """Of another quarter, or while a challenger waited: they still tell how much days vary."""
    enter(store, "2025-12-31", 0.01, 0.5)
    enter(store, "2026-02-10", 0.02, 0.5, number=0)
    enter(store, "2026-02-11", 0.03, 0.5)
    assert gains(store) == [("2026-02-11", 0.03)]
    found = known(store).days["als"]
    assert {day: part.difference for day, part in found.items()} == {"2025-12-31": 0.01, "2026-02-10": 0.02}


def test_a_night_that_is_run_again_counts_once(store: StateStore) -> None:
    for _ in range(2):
        enter(store, "2026-02-11", 0.01, 0.5, -0.5)
    assert (gains(store), rows_of(store)) == ([("2026-02-11", 0.01)], {"2026-02-11": [0.5, -0.5]})


def test_a_rerun_pools_its_own_means_with_its_own_influences(store: StateStore) -> None:
    """Run A, run B, run A again, on one date: the last one counts, with what its listeners contributed."""
    for inputs, gain, much in (("a", 0.01, 0.5), ("b", 0.02, 0.75), ("a", 0.01, 0.5)):
        enter(store, "2026-02-11", gain, much, inputs=inputs)
    (pooled,), rows = gains(store), rows_of(store)
    assert {0.01: [0.5], 0.02: [0.75]}[pooled[1]] == rows["2026-02-11"]


def test_nights_of_another_definition_are_left_out(store: StateStore) -> None:
    enter(store, "2026-02-10", 0.01, 0.5, key="other")
    assert (gains(store), rows_of(store)) == ([], {})


def test_a_quarter_begins_anew(store: StateStore) -> None:
    enter(store, "2025-12-31", 0.01, 0.5)
    enter(store, "2026-01-01", 0.02, 0.5)
    assert gains(store) == [("2026-01-01", 0.02)]


def test_a_night_without_an_analysis_ends_nothing_and_tables_that_are_gone_are_not_counted(store: StateStore) -> None:
    enter(store, "2026-02-08", 0.01, 1.0)
    enter(store, "2026-02-09", 0.02, 1.0, number=2)
    add_analysis(store, analysis("2026-02-10"))
    (store.folder / INFLUENCE_FOLDER / "2026-02-09-a.parquet").unlink()
    assert gains(store) == [("2026-02-08", 0.01)]


def test_the_refresh_lane_remembers_the_nights_since_the_promotion(store: StateStore) -> None:
    """Nights before another champion are of another chain, though the same champion came back."""
    for day, key in ((7, "m"), (8, "other"), (9, "m"), (10, "m")):
        as_of = f"2026-02-{day:02}"
        pairs = {MEMORY: night_of(as_of, 0.001 * day, number=0, key=key, served=day == 9)}
        add_analysis(store, analysis(as_of, pairs=pairs), influences(as_of, 1.0, name=MEMORY))
    assert gains(store, MEMORY) == [("2026-02-09", 0.009), ("2026-02-10", 0.01)]
    assert [night.served for night in known(store).pairs[MEMORY]] == [True, False]


def test_tables_of_long_ago_and_of_no_analysis_are_not_kept(store: StateStore) -> None:
    enter(store, "2025-10-01", 0.01, 1.0)
    enter(store, "2026-01-14", 0.01, 1.0)
    (store.folder / INFLUENCE_FOLDER / "2026-01-13.parquet").write_bytes(b"of an earlier rule, with listeners' ids")
    enter(store, "2026-02-11", 0.01, 1.0)
    left = sorted(path.stem for path in (store.folder / INFLUENCE_FOLDER).iterdir())
    assert left == ["2026-01-14-a", "2026-02-11-a"]
