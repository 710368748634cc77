"""Expectations of interactions: each is broken once."""

import datetime as dt
from typing import Any

import polars as pl
import pyarrow as pa
import pytest

from pipeline.features.interactions import InteractionTables, build_interactions
from pipeline.stages.split import checked
from pipeline.storage.schemas import DAILY, INTERACTIONS, ITEM_MAP, LISTENER_MAP
from pipeline.validation.interactions import NULLABLE, interaction_facts, interaction_suite
from tests.validation.days_of import PARAMS, held_against

DECISION_FROM, AS_OF = dt.date(2026, 1, 3), dt.date(2026, 1, 5)
ROWS = [("ann", 1, "a", 2), ("bob", 1, "b", 1), ("ann", 2, "b", 1), ("bob", 3, "a", 4), ("cay", 4, "c", 1)]
DAYS = pl.DataFrame(
    [
        {"day": dt.date(2026, 1, d), "listener_id": who, "item_id": i, "n_plays": n, "ms_played": 1}
        for who, d, i, n in ROWS
    ],
    schema=pl.DataFrame(DAILY.empty_table()).schema,
)
NAMES = pl.DataFrame({"item_id": ["a", "b", "c"], "item_name": ["A", "B", "C"]})


def fold(until: dt.date, *, days: pl.DataFrame = DAYS, least: int = 1) -> InteractionTables:
    before = days.filter(pl.col("day") < until)
    return build_interactions(before, NAMES, until=until, half_life_days=60, min_listeners_per_item=least)


def report(tables: InteractionTables, *, until: dt.date = AS_OF, known: InteractionTables | None = None) -> Any:
    facts = interaction_facts("window", tables, DAYS, until=until, known=known)
    return held_against(facts, interaction_suite(facts, PARAMS, whole=True), nullable=NULLABLE)


def changed(tables: InteractionTables, part: str, **columns: list[Any]) -> InteractionTables:
    """The tables with other values in some columns of one part."""
    schema = {"interactions": INTERACTIONS, "listeners": LISTENER_MAP, "items": ITEM_MAP}[part]
    old = getattr(tables, part)
    new = pa.table({name: columns.get(name, old[name].to_pylist()) for name in schema.names}, schema=schema)
    return InteractionTables(**{**vars(tables), part: new})


def test_the_outputs_of_the_split_pass() -> None:
    told = checked(fold(DECISION_FROM), fold(AS_OF), DAYS, decision_from=DECISION_FROM, as_of=AS_OF, params=PARAMS)
    assert (told["failures"], told["warnings"], told["undecided"]) == ([], [], [])
    assert told["folds"]["train"]["n_pairs"] == 3
    assert (told["folds"]["window"]["n_pairs"], told["folds"]["window"]["new_item_share"]) == (5, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("part", "columns", "said"),
    [
        ("interactions", {"weight": [1.0, float("nan"), 1, 1, 1]}, "weights are finite"),
        ("interactions", {"weight": [1.0, float("inf"), 1, 1, 1]}, "weights are finite"),
        ("interactions", {"weight": [1.0, 0.0, 1, 1, 1]}, "weights are positive"),
        ("interactions", {"age_days": [0, -1, 0, 0, 0]}, "no play is later"),
        ("interactions", {"listener_idx": [0, 0, 1, 1, 3]}, "in the id maps"),
        ("interactions", {"item_idx": [0, 1, 0, 1, -1]}, "in the id maps"),
        ("interactions", {"item_idx": [0, 0, 0, 1, 2]}, "has one row"),
        ("interactions", {"n_plays": [9, 1, 4, 1, 1]}, "counts exactly the plays"),
        ("interactions", {"item_idx": [0, 1, 0, 1, 1]}, "every item has a listener"),
        ("listeners", {"listener_id": ["ann", "ann", "cay"]}, "listeners' ids are distinct"),
        ("listeners", {"listener_id": ["bob", "ann", "cay"]}, "in order"),
        ("items", {"item_id": ["", "b", "c"]}, "items' ids are distinct, in order and not empty"),
        ("items", {"item_name": ["A", "", "C"]}, "every item has a name"),
    ],
)
def test_a_broken_expectation_stops_the_night(part: str, columns: dict[str, list[Any]], said: str) -> None:
    failures = report(changed(fold(AS_OF), part, **columns)).failures
    assert any(said in line for line in failures), failures


def test_a_day_of_the_decision_window_in_training_stops_the_night() -> None:
    leaky = fold(AS_OF)
    found = report(leaky, until=DECISION_FROM).failures
    assert found == ("the matrix counts exactly the plays of the days before its end",)


def empty() -> InteractionTables:
    return InteractionTables(INTERACTIONS.empty_table(), LISTENER_MAP.empty_table(), ITEM_MAP.empty_table())


def test_an_empty_window_stops_the_night() -> None:
    assert {"there are pairs", "there are listeners", "there are items"} <= set(report(empty()).failures)


def test_an_empty_training_window_warns_as_a_new_service_has_none() -> None:
    first = DAYS.filter(pl.col("day") >= DECISION_FROM)
    window = fold(AS_OF, days=first)
    told = checked(empty(), window, first, decision_from=DECISION_FROM, as_of=AS_OF, params=PARAMS)
    assert told["failures"] == []
    assert "train: there are pairs" in told["warnings"]
    assert [line.split(" (")[0] for line in told["undecided"]] == [
        "train: at least 50% of listeners are kept",
        "train: at least 50% of items are kept",
        "window: at most 50% of items are new",
    ]


def test_small_shares_of_kept_listeners_and_items_warn() -> None:
    """With two listeners an item at least, c is left out, and cay with it."""
    found = report(fold(AS_OF, least=2))
    assert (found.failures, found.warnings) == ((), ())
    strict = PARAMS.model_copy(update={"min_kept_share": 0.7})
    facts = interaction_facts("window", fold(AS_OF, least=2), DAYS, until=AS_OF)
    suite = interaction_suite(facts, strict, whole=True)
    assert held_against(facts, suite, nullable=NULLABLE).warnings == (
        "at least 70% of listeners are kept (66.7% are)",
        "at least 70% of items are kept (66.7% are)",
    )


def test_mostly_new_items_warn() -> None:
    assert report(fold(AS_OF), known=fold(DECISION_FROM)).warnings == ()
    assert report(fold(AS_OF), known=fold(DECISION_FROM, days=DAYS.head(1))).warnings == (
        "at most 50% of items are new (66.7% are)",
    )
