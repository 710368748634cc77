"""Each promise about the lists, broken once."""

import datetime as dt
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.configuration import Params, load_params
from pipeline.errors import ValidationFailed
from pipeline.settings import load_settings
from pipeline.stages import audit
from pipeline.stages.context import Context
from pipeline.stages.layout import Layout
from pipeline.storage.json_files import read_json
from pipeline.storage.schemas import FALLBACK, INTERACTIONS, ITEM_MAP, LISTENER_MAP, LISTS
from pipeline.storage.tables import write_table

PARAMS = load_params(Path(__file__).parents[2] / "params.yaml")
ITEMS = ["a", "b", "c", "d"]


def lists_of(rows: list[tuple[str, int, str, float, str]]) -> pa.Table:
    names = ("listener_id", "rank", "item_id", "score", "reason")
    return pa.Table.from_pylist(
        [dict(zip(names, row, strict=True)) | {"item_name": row[2].upper()} for row in rows], schema=LISTS
    )


# u has heard a and b, so two items are left; v has heard a, so three are left and two asked for.
GOOD = [("u", 1, "c", 0.9, "x"), ("u", 2, "d", 0.9, "x"), ("v", 1, "d", 0.5, "x"), ("v", 2, "b", -0.1, "x")]


def context_of(root: Path, rows: list[tuple[str, int, str, float, str]], *, target: str = "new") -> Context:
    raw = PARAMS.model_dump()
    raw["lists"], raw["evaluation"]["k"], raw["split"]["target"] = {"n_items": 2, "n_fallback": 3}, 2, target
    layout = Layout(root)
    day = dt.date(2026, 1, 1)
    write_table(
        layout.window / "listeners.parquet",
        pa.table({"listener_id": ["u", "v"], "n_plays": [2, 1], "first_day": [day, day]}),
        LISTENER_MAP,
    )
    write_table(
        layout.window / "items.parquet",
        pa.table({"item_id": ITEMS, "item_name": ["A", "B", "C", "D"], "n_listeners": [2, 1, 0, 0]}),
        ITEM_MAP,
    )
    write_table(
        layout.window / "interactions.parquet",
        pa.table(
            {
                "listener_idx": [0, 0, 1],
                "item_idx": [0, 1, 0],
                "weight": [1.0, 1.0, 1.0],
                "n_plays": [1, 1, 1],
                "age_days": [0, 0, 0],
            }
        ),
        INTERACTIONS,
    )
    write_table(layout.lists, lists_of(rows), LISTS)
    fallback = [
        {"rank": n, "item_id": i, "item_name": i, "score": 1 / n, "reason": "popular"}
        for n, i in enumerate("abc", start=1)
    ]
    write_table(layout.fallback, pa.Table.from_pylist(fallback, schema=FALLBACK), FALLBACK)
    return Context(Params.model_validate(raw), dt.date(2026, 2, 1), layout, load_settings({}, workspace=root))


def test_lists_as_promised_pass_and_the_report_counts_them(tmp_path: Path) -> None:
    context = context_of(tmp_path, GOOD)
    assert audit.run(context).startswith("2 lists hold 18 expectations; 0 are short")
    report = read_json(context.layout.audit_report)
    assert [suite["success"] for suite in report["suites"]] == [True, True]
    assert report["n_lists"] == 2


def test_a_list_is_short_only_where_the_catalogue_is_exhausted(tmp_path: Path) -> None:
    raw = context_of(tmp_path, [row for row in GOOD if row[:2] != ("v", 2)])
    with pytest.raises(ValidationFailed, match="a list has the requested length"):
        audit.run(raw)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("v", 2, "d", 0.1, "x"), "distinct"),
        (("v", 2, "a", 0.1, "x"), "played by its listener before"),
        (("v", 2, "z", 0.1, "x"), "in the catalogue"),
        (("v", 2, "b", 0.6, "x"), "do not rise"),
        (("v", 2, "b", float("nan"), "x"), "finite"),
        (("v", 2, "b", float("-inf"), "x"), "finite"),
        (("v", 2, "b", 0.1, " "), "has a reason"),
        (("v", 3, "b", 0.1, "x"), "without gap"),
        (("v", 1, "b", 0.1, "x"), "exactly one list"),
    ],
)
def test_a_broken_promise_stops_the_night_by_its_name(
    tmp_path: Path, row: tuple[str, int, str, float, str], said: str
) -> None:
    context = context_of(tmp_path, [*GOOD[:3], row])
    with pytest.raises(ValidationFailed, match=said):
        audit.run(context)
    assert not read_json(context.layout.audit_report)["suites"][0]["success"]


def test_a_listener_without_a_list_is_found(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match="exactly one list"):
        audit.run(context_of(tmp_path, GOOD[:2]))


def test_a_list_of_nobody_is_found(tmp_path: Path) -> None:
    unknown = [("w", 1, "a", 1.0, "x"), ("w", 2, "b", 1.0, "x")]
    with pytest.raises(ValidationFailed, match="belongs to a listener"):
        audit.run(context_of(tmp_path, GOOD + unknown))


def test_heard_items_are_fine_where_the_target_is_any(tmp_path: Path) -> None:
    rows = [*GOOD[:3], ("v", 2, "a", 0.1, "x")]
    assert "2 lists" in audit.run(context_of(tmp_path, rows, target="any"))


def test_an_empty_fallback_never_passes(tmp_path: Path) -> None:
    context = context_of(tmp_path, GOOD)
    write_table(context.layout.fallback, FALLBACK.empty_table(), FALLBACK)
    with pytest.raises(ValidationFailed, match="no rows"):
        audit.run(context)


def test_no_lists_at_all_never_pass(tmp_path: Path) -> None:
    with pytest.raises(ValidationFailed, match="exactly one list"):
        audit.run(context_of(tmp_path, []))
